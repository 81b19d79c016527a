// Topological order for code of the binding, which may be interrupted and may run out of memory.
#pragma once

#include <new>
#include <vector>

#include "order.hpp"
#include "value.hpp"

namespace megagrad::python {

// Unfolds the bulk nodes among these; false with an exception set.
inline bool unfold_all(const Array<Node*>& order) {
    std::vector<Owned> bulk;  // held: unfolding may run the collector, and so any code
    for (Node* node : order)
        if (is_bulk(node->op())) bulk.emplace_back(Py_NewRef(object_of(node)));
    for (const Owned& node : bulk)
        if (!unfold_if_bulk(as_value(node.get()))) return false;
    return true;
}

inline bool has_bulk(const Array<Node*>& order) {
    for (const Node* node : order)
        if (is_bulk(node->op())) return true;
    return false;
}

// Root and all it depends on, operands first, unfolded, less what `skip` holds for. A signal's
// handler may take the graph apart meanwhile: what is listed lives as long as the caller keeps
// operands.
template <class Skip>
bool list_all(Node* root, Array<Node*>& order, Skip skip, const OperandsKept&) {
    try {
        Traversal walk;
        do {
            if (!unfold_all(walk.order)) return false;
            const bool complete = topological_order(
                root, walk, skip, [](Node*) {}, [] { return PyErr_CheckSignals() == 0; });
            if (!complete) return false;
        } while (has_bulk(walk.order));
        order.swap(walk.order);
        return true;
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
        return false;
    }
}

}  // namespace megagrad::python
