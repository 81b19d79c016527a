// How many nodes of each op a graph has.
#pragma once

#include <array>
#include <cstdint>

#include "graph/node.hpp"
#include "graph/walk.hpp"

namespace megagrad {

struct Census {
    std::array<std::uint64_t, op_infos.size()> of_op{};
    std::uint64_t numbers = 0;  // plain ones, which are leaves as soon as someone looks

    // Counts a node as those that whoever looks at its operands will find.
    void count(const Node& node);

private:
    std::uint64_t& of(Op op) { return of_op[static_cast<std::size_t>(op)]; }
    void count_loop(const Bundle& terms, const Bundle* x);
};

// Counts `root` and all it depends on. May throw std::bad_alloc.
inline Census census_of(Node* root) {
    Traversal walk;
    topological_order(root, walk, [](const Node&) { return false; }, [](Node*) {});
    Census census;
    for (const Node* node : walk.order) census.count(*node);
    return census;
}

}  // namespace megagrad
