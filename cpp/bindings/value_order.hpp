// Topological order for code of the binding, which may be interrupted and may run out of memory.
#pragma once

#include <new>
#include <vector>

#include "order.hpp"
#include "value.hpp"

namespace megagrad::python {

// Root and all it depends on, operands first, less what `skip` holds for. A signal's handler may
// take the graph apart meanwhile: what is listed lives as long as the caller keeps operands.
template <class Skip>
bool list_all(Node* root, std::vector<Node*>& order, Skip skip, const OperandsKept&) {
    try {
        Traversal walk;
        const bool complete = topological_order(
            root, walk, skip, [](Node*) {}, [] { return PyErr_CheckSignals() == 0; });
        order.swap(walk.order);
        return complete;
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
        return false;
    }
}

}  // namespace megagrad::python
