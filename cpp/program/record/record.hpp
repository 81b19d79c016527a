// Recording: from the nodes between inputs and outputs to a program.
#pragma once

#include <vector>

#include "graph/node.hpp"
#include "program/program.hpp"

namespace megagrad {

// A node whose rule is not in the table, so that no program can have it.
struct NotRecordable {
    const Node* node;
};

// A node that depends on itself.
struct NoOrder {};

struct Recording {
    Program program;
    std::vector<Node*> parameters;
};

// Records what `outputs` are computed from `inputs`, which are leaves and distinct. Other leaves
// are parameters, in the order of their first use; or, if `parameters` is given, these are, in its
// order, and what is left is constant. `contract`: as the program's. Time and memory are linear in
// the graph. May throw NotRecordable, NoOrder, std::length_error and std::bad_alloc.
Recording record(const std::vector<Node*>& inputs, const std::vector<Node*>& outputs,
                 const std::vector<Node*>* parameters, bool contract);

}  // namespace megagrad
