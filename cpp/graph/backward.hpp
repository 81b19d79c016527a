// Reverse-mode differentiation.
#pragma once

#include <functional>

#include "graph/node.hpp"
#include "platform/array.hpp"

namespace megagrad {

// Adds d root / d node to the grad of every node that root depends on, and sets root's own to 1.
// Iterative: the depth of the graph is bounded by memory alone. Operands' data are read now, not
// as they were when the graph was built. When memory runs out (std::bad_alloc), gradients are
// incomplete but none that was there is lost. It runs no code of the user's: where a node has a
// rule of its own, it returns false and has changed nothing.
bool backward(Node& root);

// The same for a graph with such rules. `order`: operands before their users, root last, as
// topological_order lists what does not pass_nothing_on; none is bulk, and the caller keeps them
// alive. `run_closure(node)` runs a node's own rule, and stops the pass by returning false;
// gradients are then as where memory runs out.
using RunClosure = std::function<bool(Node& node)>;
bool backward_with_closures(const Array<Node*>& order, const RunClosure& run_closure);

// In a process that fork() made: passes of threads that it did not take over end as if stopped.
void leave_passes_to_other_threads();

// Applies the chain rule of one node with its present grad; custom ops use their partials.
void propagate(Node& node);

// The derivatives of a table op's node by its operands, as their data are now.
double partial_by_lhs(const Node& node);
double partial_by_rhs(const Node& node);

}  // namespace megagrad
