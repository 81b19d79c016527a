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

    // A row of these nodes, and of what a sum over them starts from.
    Node* row(std::vector<Node*> operands, double start) {
        Row& row = rows_.emplace_back();
        row.nodes = std::move(operands);
        for (const Node* node : row.nodes) row.values.push_back(node->data);
        row.nodes.push_back(nullptr);
        row.values.push_back(start);
        row.grads.resize(row.nodes.size());
        row.operands = {row.nodes.size() - 1, row.nodes.data(),  row.values.data(),
                        row.grads.data(),     row.values.data(), data_writes};
        Node* vertex = leaf(0);
        vertex->lhs.operands = &row.operands;
        vertex->set_op(Op::operands);
        vertex->set(extended);
        return vertex;
    }

    // A dot of two rows, and an op on that.
    Node* neuron(Op op, Node* weights, Node* x) {
        Node* node = leaf(evaluate(op, dot(*weights->lhs.operands, *x->lhs.operands), 0));
        node->lhs.node = weights;
        node->rhs.node = x;
        node->set(lhs_is_node | rhs_is_node);
        node->set_op(op == Op::leaf ? Op::dot : on_dot(op));
        return node;
    }

    Node* total(Node* terms) {
        Node* node = leaf(sum(*terms->lhs.operands));
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
    struct Row {
        Operands operands;
        std::vector<Node*> nodes;
        std::vector<double> values, grads;
        ~Row() {
            if (operands.now != values.data()) delete[] operands.now;
        }
    };
    std::deque<Node> nodes_;
    std::deque<Extension> extensions_;
    std::deque<Row> rows_;
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
