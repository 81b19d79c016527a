// Reverse-mode differentiation.
#pragma once

#include "node.hpp"

namespace megagrad {

// What backward asks of whoever embeds the core.
class Environment {
public:
    virtual ~Environment() = default;
    // Runs the chain rule that the user gave `node`; false if it failed.
    virtual bool run_closure(Node& node) = 0;
    // Called every so often; false to stop.
    virtual bool poll() = 0;
};

// Adds d root / d node to the grad of every node that root depends on, and sets root's own to 1.
// Iterative: the depth of the graph is bounded by memory alone. Operands' data are read now, not
// as they were when the graph was built. Returns false if the environment stopped it. Then, and
// when memory runs out (std::bad_alloc), gradients are incomplete but none that was there is lost.
bool backward(Node& root, Environment& environment);

bool is_backward_running();
// In a process that fork() made: passes of threads that it did not take over end as if stopped.
void leave_passes_to_other_threads();
// Whether a running pass has still to come to a bulk node. May throw std::bad_alloc.
bool is_to_be_visited(const Node& node);

// Tells running passes that `node` is no bulk node any more, but one of a few ordinary ones; the
// others are given, operands before their users, and their derivative, which is the same for all.
// May throw std::bad_alloc, and then has changed nothing.
void note_unfolded(const Node& node, double slope, const std::vector<Node*>& parts);

// Applies the chain rule of one node with its present grad; custom ops use their partials.
void propagate(Node& node);

// The derivatives of a table op's node by its operands, as their data are now.
double partial_by_lhs(const Node& node);
double partial_by_rhs(const Node& node);

// The value of a table op; y is the parameter, or unused.
double evaluate(Op op, double x, double y);

}  // namespace megagrad
