// Topological order for code of the binding, which unfolds what is bulk.
#pragma once

#include <new>
#include <vector>

#include "bindings/value/value.hpp"
#include "graph/walk.hpp"

namespace megagrad::python {

// How many nodes are copied or saved between two looks for signals.
inline constexpr std::size_t poll_interval = 1 << 16;

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

// Root and all it depends on, operands first, unfolded, less what `skip` holds for. Unfolding may
// run any code, but none runs after the last walk: whoever is going to run some holds the nodes.
template <class Skip>
bool list_all(Node* root, Array<Node*>& order, Skip skip) {
    try {
        Traversal walk;
        do {
            if (!unfold_all(walk.order)) return false;
            topological_order(root, walk, skip, [](Node*) {});
        } while (has_bulk(walk.order));
        order.swap(walk.order);
        return true;
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
        return false;
    }
}

// Keeps nodes alive, whatever happens to the graph.
template <class Nodes>
class Held {
public:
    explicit Held(const Nodes& nodes) : nodes_(nodes) {
        for (Node* node : nodes_) Py_INCREF(object_of(node));
    }
    ~Held() {
        for (Node* node : nodes_) Py_DECREF(object_of(node));
    }
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;

private:
    const Nodes& nodes_;
};

}  // namespace megagrad::python
