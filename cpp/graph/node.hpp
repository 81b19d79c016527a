// A node of the graph: a number, its gradient, and what it was computed from.
//
// The core neither allocates nor frees nodes: whoever embeds them (the Python
// binding, a test) owns them and keeps operands alive as long as their users.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "graph/op.hpp"

namespace megagrad {

struct Node;
struct Extension;
struct Bundle;

// Bits of Node::flags.
enum Flag : std::uint8_t {
    lhs_is_node = 1,       // lhs holds a node, else a number
    rhs_is_node = 2,       // the same for rhs
    extended = 4,          // what it holds lies out of line: in the extension, rhs too; or a bundle
    has_closure = 8,       // the user's own chain rule, or none, replaces the op's
    whole_parameter = 16,  // the plain exponent was an int: x**2, not x**2.0
    plain_number = 16,     // of a leaf: it stands for a number, and programs keep it
    tracked = 32,          // for the embedder: known to the cyclic garbage collector
    consumed = 64,         // has been an operand
    listed = 128,          // for the embedder: is being saved as part of a graph
};

// The bits that a node has for the mark of a traversal.
inline constexpr std::uint64_t epoch_mask = (std::uint64_t{1} << 48) - 1;

// Plain numbers stay where the operand would be, so `x * 2` is one node.
union Operand {
    Node* node;
    double number;
    Extension* extension;
    Bundle* bundle;  // of the vertex that stands for one
};

struct Node {
    double data = 0;
    double grad = 0;
    Operand lhs{};
    Operand rhs{};
    std::uint64_t epoch : 48 = 0;  // the last traversal that visited this node
    std::uint64_t op_bits : 8 = 0;
    std::uint64_t flags : 8 = 0;

    Op op() const { return static_cast<Op>(op_bits); }
    void set_op(Op op) { op_bits = static_cast<std::uint8_t>(op); }
    bool has(unsigned mask) const { return (flags & mask) != 0; }
    bool has_just(unsigned bits, unsigned mask) const { return (flags & mask) == bits; }
    void set(unsigned mask) { flags = static_cast<std::uint8_t>(flags | mask); }
    void mark(std::uint64_t number) { epoch = number & epoch_mask; }
    void clear(unsigned mask) { flags = static_cast<std::uint8_t>(flags & ~mask); }
};
static_assert(sizeof(Node) == 40, "the engine's speed is memory traffic: keep nodes small");

// What few nodes have, out of line. An embedder may derive from it.
struct Extension {
    Operand rhs{};                 // the second operand, moved here to make room for the pointer
    std::vector<Node*> operands;   // of a custom op
    std::vector<double> partials;  // of a custom op, one for each operand; may be empty
};

// Operands that many nodes share, such as a layer's inputs or a neuron's weights. It is a vertex of
// the graph, between them and the nodes that are computed from it: they are walked and counted once
// for all of these.
struct Bundle {
    std::size_t count = 0;      // of the terms; after them, what a sum over them starts from
    Node** nodes = nullptr;     // null: a plain number
    double* values = nullptr;   // their data when the bundle was made
    double* grads = nullptr;    // what a running backward pass owes the nodes, else 0
    double* now = nullptr;      // their data at the time of `checked`; mostly just `values`
    std::uint64_t checked = 0;  // data_writes at that time
};

// How often a node's data was changed after the node was made. Whoever does so counts.
inline std::uint64_t data_writes = 0;

inline Operand& rhs_of(Node& node) {
    return node.has(extended) ? node.rhs.extension->rhs : node.rhs;
}
inline const Operand& rhs_of(const Node& node) {
    return node.has(extended) ? node.rhs.extension->rhs : node.rhs;
}

inline double lhs_value(const Node& node) {
    return node.has(lhs_is_node) ? node.lhs.node->data : node.lhs.number;
}
inline double rhs_value(const Node& node) {
    const Operand& rhs = rhs_of(node);
    return node.has(rhs_is_node) ? rhs.node->data : rhs.number;
}

// Backward has nothing to do at such a node but to let gradients accumulate.
inline bool is_leaf(const Node& node) { return node.op() == Op::leaf && !node.has(has_closure); }
// The same holds for what counts as a number. Gradients of what is below would only be 0, or NaN.
inline bool passes_nothing_on(const Node& node) {
    return (node.op() == Op::leaf || node.op() == Op::detach) && !node.has(has_closure);
}

template <class Visit>
void for_each_node(const Bundle& bundle, Visit visit) {
    for (std::size_t i = 0; i <= bundle.count; ++i)
        if (bundle.nodes[i] != nullptr) visit(bundle.nodes[i]);
}

template <class Visit>
void for_each_operand(const Node& node, Visit visit) {
    if (node.has_just(lhs_is_node | rhs_is_node, lhs_is_node | rhs_is_node | extended)) [[likely]] {
        visit(node.lhs.node);
        visit(node.rhs.node);
        return;
    }
    if (node.has(lhs_is_node)) visit(node.lhs.node);
    if (node.has(rhs_is_node)) visit(rhs_of(node).node);
    if (!node.has(extended)) return;
    if (node.op() == Op::custom)
        for (Node* operand : node.rhs.extension->operands) visit(operand);
    else if (node.op() == Op::bundle)
        for_each_node(*node.lhs.bundle, visit);
}

// The last one first.
template <class Visit>
void for_each_operand_backwards(const Node& node, Visit visit) {
    if (node.has(extended) && node.op() == Op::custom) {
        const auto& operands = node.rhs.extension->operands;
        for (std::size_t i = operands.size(); i-- > 0;) visit(operands[i]);
    } else if (node.has(extended) && node.op() == Op::bundle) {
        const Bundle& bundle = *node.lhs.bundle;
        for (std::size_t i = bundle.count + 1; i-- > 0;)
            if (bundle.nodes[i] != nullptr) visit(bundle.nodes[i]);
    }
    if (node.has(rhs_is_node)) visit(rhs_of(node).node);
    if (node.has(lhs_is_node)) visit(node.lhs.node);
}

}  // namespace megagrad
