// Topological order of a graph, without recursion.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

#include "graph/node.hpp"
#include "platform/array.hpp"
#include "platform/compiler.hpp"

namespace megagrad {

// How many traversals there have been; each marks its nodes with its number. 48 bits last for years
// of back-to-back traversals; a mark is never cleared, only outdated.
inline std::uint64_t traversals = 0;

// The end of a growing array, in pointers that a loop can keep in registers: a std::vector's own
// are loaded and stored at every push, which is a fifth of the time that ordering takes.
template <class T>
class Cursor {
public:
    explicit Cursor(Array<T>& array) : array_(array) {
        array.resize(std::max<std::size_t>(array.capacity(), 64));
        first_ = next_ = array.data();
        end_ = first_ + array.size();
    }
    bool empty() const { return next_ == first_; }
    std::size_t size() const { return static_cast<std::size_t>(next_ - first_); }
    T pop() { return *--next_; }
    void push(T item) {
        if (next_ == end_) [[unlikely]] {
            const std::size_t count = size();
            first_ = grown(array_);
            next_ = first_ + count;
            end_ = first_ + 2 * count;
        }
        *next_++ = item;
    }

private:
    MEGAGRAD_NOINLINE static T* grown(Array<T>& array) {
        array.resize(2 * array.size());
        return array.data();
    }

    Array<T>& array_;
    T *first_, *next_, *end_;
};

// A node on the stack of a walk: one to be visited, or one that is left when its operands are done.
// That is a bit of the address: the stack is half as long as with a field for it.
class Waiting {
public:
    static Waiting to_visit(const Node* node) { return Waiting(address(node)); }
    static Waiting to_leave(const Node* node) { return Waiting(address(node) | leave); }
    Waiting() = default;
    Node* node() const { return reinterpret_cast<Node*>(bits_ & ~leave); }
    bool is_to_leave() const { return (bits_ & leave) != 0; }

private:
    static constexpr std::uintptr_t leave = 1;
    static std::uintptr_t address(const Node* node) {
        return reinterpret_cast<std::uintptr_t>(node);
    }
    explicit Waiting(std::uintptr_t bits) : bits_(bits) {}
    std::uintptr_t bits_;
};

// Reused from call to call, so that a small backward allocates nothing.
struct Traversal {
    Array<Node*> order;  // operands before their users
    Array<Waiting> stack;
};

// The last operand is visited first, which goes down in memory; or the first, as one reads.
enum class Visit { last_first, first_first };

template <Visit visit_order, class Function>
void for_each_operand_in(const Node& node, Function visit) {
    if constexpr (visit_order == Visit::last_first)
        for_each_operand(node, visit);
    else
        for_each_operand_backwards(node, visit);
}

// Walks depth first from `root`, with an explicit stack, but to no node that `skip(node)` holds
// for. `enter(node)` comes before any of its operands, and from then on `seen(node)` has to hold;
// `leave(node)` comes after all of them. A walk runs no code of the user's, which could change the
// graph: ten million nodes take less than half a second.
template <Visit visit_order, class Seen, class Skip, class Enter, class Leave>
void depth_first(Node* root, Array<Waiting>& memory, Seen seen, Skip skip, Enter enter,
                 Leave leave) {
    Cursor stack(memory);
    for (Node* node = root;;) {
        enter(node);
        // Goes on with the last operand that has to be visited, or else is done with the node. What
        // comes before waits on the stack.
        Waiting last = Waiting::to_leave(node);
        for_each_operand_in<visit_order>(*node, [&](Node* operand) {
            if (seen(*operand) || skip(*operand)) return;
            stack.push(last);
            last = Waiting::to_visit(operand);
        });
        for (;; last = stack.pop()) {
            node = last.node();
            if (last.is_to_leave())
                leave(node);
            else if (!seen(*node))  // not reached by another path meanwhile
                break;
            if (stack.empty()) return;
        }
    }
}

// Fills `walk.order` with the nodes that `root` depends on, and root last. Nodes that
// `skip(node)` holds for are neither visited nor listed; `enter(node)` is called for each
// listed node, before any of its operands. Depth first with an explicit stack.
template <class Skip, class Enter>
void topological_order(Node* root, Traversal& walk, Skip skip, Enter enter) {
    const std::uint64_t epoch = ++traversals & epoch_mask;
    Cursor order(walk.order);
    depth_first<Visit::last_first>(
        root, walk.stack, [&](const Node& node) { return node.epoch == epoch; }, skip,
        [&](Node* node) {
            enter(node);
            node->mark(epoch);
        },
        [&](Node* node) { order.push(node); });
    walk.order.resize(order.size());
}

}  // namespace megagrad
