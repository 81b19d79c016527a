// Topological order of a graph, without recursion.
#pragma once

#include <cstdint>
#include <vector>

#include "node.hpp"

namespace megagrad {

// How many traversals there have been; each marks its nodes with its number. 48 bits last for years
// of back-to-back traversals; a mark is never cleared, only outdated.
inline std::uint64_t traversals = 0;

// How many nodes are walked between two looks at whether to stop.
inline constexpr std::size_t poll_interval = 1 << 16;

// Reused from call to call, so that a small backward allocates nothing.
struct Traversal {
    std::vector<Node*> order;           // operands before their users
    std::vector<std::uintptr_t> stack;  // low bit set: the node's operands are done
};

enum class Progress { complete, stopped, disturbed };

// One attempt at topological_order; disturbed if a poll ran another traversal, which has
// overwritten marks.
template <class Skip, class Enter, class Poll>
Progress attempt_order(Node* root, Traversal& walk, Skip skip, Enter enter, Poll poll) {
    const std::uint64_t number = ++traversals, epoch = number & epoch_mask;
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
            if (!poll()) return Progress::stopped;
            if (traversals != number) return Progress::disturbed;
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
    return Progress::complete;
}

// Fills `walk.order` with the nodes that `root` depends on, and root last. Nodes that
// `skip(node)` holds for are neither visited nor listed; `enter(node)` is called for each
// listed node, before any of its operands; `poll()` every so often, and stops the walk by
// returning false. It may run any code: if that walks a graph too, the walk begins anew, once and
// without polls. Depth first with an explicit stack. Returns whether it got to the end.
template <class Skip, class Enter, class Poll>
bool topological_order(Node* root, Traversal& walk, Skip skip, Enter enter, Poll poll) {
    const Progress progress = attempt_order(root, walk, skip, enter, poll);
    if (progress != Progress::disturbed) return progress == Progress::complete;
    attempt_order(root, walk, skip, enter, [] { return true; });
    return true;
}

}  // namespace megagrad
