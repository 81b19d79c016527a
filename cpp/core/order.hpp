// Topological order of a graph, without recursion.
#pragma once

#include <cstdint>
#include <vector>

#include "node.hpp"

namespace megagrad {

// A number that no node has been marked with yet. 48 bits last for years of
// back-to-back traversals; a mark is never cleared, only outdated.
inline std::uint64_t next_epoch() {
    static std::uint64_t epoch = 0;
    return ++epoch & ((std::uint64_t{1} << 48) - 1);
}

// The cache line that a traversal touches first.
inline void prefetch(const Node* node) {
#if defined(__GNUC__)
    __builtin_prefetch(node, 1);
#else
    (void)node;
#endif
}

// Reused from call to call, so that a small backward allocates nothing.
struct Traversal {
    std::vector<Node*> order;           // operands before their users
    std::vector<std::uintptr_t> stack;  // low bit set: the node's operands are done
};

// Fills `walk.order` with the nodes that `root` depends on, and root last. Nodes that
// `skip(node)` holds for are neither visited nor listed; `enter(node)` is called once for each
// listed node, before any of its operands; `poll()` every so often, and stops the walk by
// returning false. Depth first with an explicit stack. Returns whether it got to the end.
template <class Skip, class Enter, class Poll>
bool topological_order(Node* root, Traversal& walk, Skip skip, Enter enter, Poll poll) {
    constexpr std::size_t poll_interval = 1 << 16;
    const std::uint64_t epoch = next_epoch();
    auto& [order, stack] = walk;
    order.clear();
    stack.clear();
    Node* node = root;
    std::size_t until_poll = poll_interval;
    while (node != nullptr) {
        enter(node);
        node->mark(epoch);
        stack.push_back(reinterpret_cast<std::uintptr_t>(node) | 1);
        // Goes on with the last operand that has to be visited; the others wait on the stack.
        Node* next = nullptr;
        for_each_operand(*node, [&](Node* operand) {
            if (operand->epoch == epoch || skip(*operand)) return;
            if (next != nullptr) stack.push_back(reinterpret_cast<std::uintptr_t>(next));
            next = operand;
        });
        if (--until_poll == 0) {
            if (!poll()) return false;
            until_poll = poll_interval;
        }
        node = next;
        while (node == nullptr && !stack.empty()) {
            const std::uintptr_t top = stack.back();
            stack.pop_back();
            Node* waiting = reinterpret_cast<Node*>(top & ~std::uintptr_t{1});
            if (top & 1)
                order.push_back(waiting);
            else if (waiting->epoch != epoch)  // not reached by another path meanwhile
                node = waiting;
        }
    }
    return true;
}

}  // namespace megagrad
