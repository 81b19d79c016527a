// A graph that owns its nodes, as an embedder of the core would.
#pragma once

#include <deque>
#include <utility>

#include "graph/backward.hpp"
#include "graph/bundle.hpp"
#include "graph/walk.hpp"

namespace megagrad::test {

class Graph {
public:
    Node* leaf(double data) {
        Node& node = nodes_.emplace_back();
        node.data = data;
        return &node;
    }

    Node* apply(Op op, Node* lhs, Node* rhs) {
        Node* node = leaf(evaluate(op, lhs->data, rhs->data));
        node->lhs.node = lhs;
        node->rhs.node = rhs;
        node->set(lhs_is_node | rhs_is_node);
        node->set_op(op);
        return node;
    }

    // y: the plain number on the right, or the parameter.
    Node* apply(Op op, Node* lhs, double y = 0) {
        Node* node = leaf(evaluate(op, lhs->data, y));
        node->lhs.node = lhs;
        node->rhs.number = y;
        node->set(lhs_is_node);
        node->set_op(op);
        return node;
    }

    Node* custom(std::vector<Node*> operands, std::vector<double> partials) {
        Node* node = leaf(0);
        extend(node);
        node->rhs.extension->operands = std::move(operands);
        node->rhs.extension->partials = std::move(partials);
        node->set_op(Op::custom);
        return node;
    }

    // A bundle of these nodes, and of what a sum over them starts from.
    Node* bundle(std::vector<Node*> operands, double start) {
        OwnedBundle& owned = bundles_.emplace_back();
        owned.nodes = std::move(operands);
        for (const Node* node : owned.nodes) owned.values.push_back(node->data);
        owned.nodes.push_back(nullptr);
        owned.values.push_back(start);
        owned.grads.resize(owned.nodes.size());
        owned.bundle = {owned.nodes.size() - 1, owned.nodes.data(),  owned.values.data(),
                        owned.grads.data(),     owned.values.data(), data_writes};
        Node* vertex = leaf(0);
        vertex->lhs.bundle = &owned.bundle;
        vertex->set_op(Op::bundle);
        vertex->set(extended);
        return vertex;
    }

    // A dot of two bundles, and an op on that.
    Node* neuron(Op op, Node* weights, Node* x) {
        Node* node = leaf(evaluate(op, dot(*weights->lhs.bundle, *x->lhs.bundle), 0));
        node->lhs.node = weights;
        node->rhs.node = x;
        node->set(lhs_is_node | rhs_is_node);
        node->set_op(op == Op::leaf ? Op::dot : on_dot(op));
        return node;
    }

    Node* total(Node* terms) {
        Node* node = leaf(sum(*terms->lhs.bundle));
        node->lhs.node = terms;
        node->set(lhs_is_node);
        node->set_op(Op::sum);
        return node;
    }

    // Gives a node an extension, which takes its right operand in.
    void extend(Node* node) {
        Extension& extension = extensions_.emplace_back();
        extension.rhs = node->rhs;
        node->rhs.extension = &extension;
        node->set(extended);
    }

private:
    struct OwnedBundle {
        Bundle bundle;
        std::vector<Node*> nodes;
        std::vector<double> values, grads;
        ~OwnedBundle() {
            if (bundle.now != values.data()) delete[] bundle.now;
        }
    };
    std::deque<Node> nodes_;
    std::deque<Extension> extensions_;
    std::deque<OwnedBundle> bundles_;
};

// The order of a pass from `root`.
inline Array<Node*> order_of(Node* root) {
    Traversal walk;
    topological_order(root, walk, passes_nothing_on, [](Node*) {});
    Array<Node*> order;
    order.swap(walk.order);
    return order;
}

}  // namespace megagrad::test
