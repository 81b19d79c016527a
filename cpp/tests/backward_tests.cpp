// Order and backward, on graphs of many shapes.
#include <random>
#include <unordered_map>

#include "graph/walk.hpp"
#include "tests/check.hpp"
#include "tests/graph.hpp"

namespace megagrad::test {

namespace {

bool never(const Node&) { return false; }

Array<Node*> all_of(Node* root) {
    Traversal walk;
    topological_order(root, walk, never, [](Node*) {});
    return walk.order;
}

Node* random_graph(Graph& graph, std::mt19937& random, int size) {
    std::vector<Node*> nodes{graph.leaf(0.5), graph.leaf(-0.25), graph.leaf(1.5)};
    for (int i = 0; i < size; ++i) {
        const auto pick = [&] { return nodes[random() % nodes.size()]; };
        switch (random() % 4) {
            case 0:
                nodes.push_back(graph.apply(Op::add, pick(), pick()));
                break;
            case 1:
                nodes.push_back(graph.apply(Op::mul, graph.apply(Op::tanh, pick()), pick()));
                break;
            case 2:
                nodes.push_back(graph.apply(Op::sub, pick(), 0.75));
                break;
            default:
                nodes.push_back(graph.custom({pick(), pick()}, {0.5, -1.0}));
        }
    }
    return nodes.back();
}

}  // namespace

TEST_CASE("operands come before their users and once") {
    std::mt19937 random(2);
    for (int trial = 0; trial < 100; ++trial) {
        Graph graph;
        Node* root = random_graph(graph, random, 60);
        const auto order = all_of(root);
        std::unordered_map<Node*, std::size_t> place;
        for (Node* node : order) place.emplace(node, place.size());
        CHECK(place.size() == order.size());
        CHECK(order.back() == root);
        for (Node* node : order)
            for_each_operand(*node,
                             [&](Node* operand) { CHECK(place.at(operand) < place.at(node)); });
    }
}

TEST_CASE("a million deep") {
    Graph graph;
    Node* x = graph.leaf(1);
    Node* root = x;
    for (int i = 0; i < 1'000'000; ++i) root = graph.apply(Op::add, root, x);
    CHECK(backward(*root));
    CHECK(x->grad == 1'000'001);
}

TEST_CASE("gradients of random graphs are path sums") {
    std::mt19937 random(3);
    for (int trial = 0; trial < 100; ++trial) {
        Graph graph;
        Node* root = random_graph(graph, random, 40);
        // The definition: d root / d node is the sum, over the users, of theirs times the partial.
        const auto order = all_of(root);
        std::unordered_map<Node*, double> expected{{root, 1.0}};
        for (std::size_t i = order.size(); i-- > 0;) {
            Node* node = order[i];
            const double grad = expected[node];
            if (node->op() == Op::custom) {
                const Extension& extension = *node->rhs.extension;
                for (std::size_t k = 0; k < extension.operands.size(); ++k)
                    expected[extension.operands[k]] += extension.partials[k] * grad;
                continue;
            }
            if (node->has(lhs_is_node)) expected[node->lhs.node] += partial_by_lhs(*node) * grad;
            if (node->has(rhs_is_node)) expected[node->rhs.node] += partial_by_rhs(*node) * grad;
        }
        CHECK(backward(*root));
        for (Node* node : order) CHECK(is_close(node->grad, expected[node], 1e-12));
    }
}

TEST_CASE("each pass propagates its own contribution") {
    Graph graph;
    Node* x = graph.leaf(1);
    Node* y = graph.apply(Op::mul, x, 2.0);
    Node* z = graph.apply(Op::mul, y, 3.0);
    for (const double times : {1.0, 2.0}) {
        CHECK(backward(*z));
        CHECK(x->grad == 6 * times);
        CHECK(y->grad == 3 * times);
        CHECK(z->grad == 1);
    }
}

TEST_CASE("a pass without code of the users refuses a graph with some") {
    Graph graph;
    Node* x = graph.leaf(1);
    Node* root = graph.apply(Op::mul, graph.apply(Op::mul, x, 2.0), 3.0);
    x->set(has_closure);
    root->grad = 5;
    root->lhs.node->grad = 7;
    CHECK(!backward(*root));
    CHECK((root->grad == 5 && root->lhs.node->grad == 7 && x->grad == 0));
}

TEST_CASE("a stopped pass gives earlier gradients back") {
    Graph graph;
    Node* x = graph.leaf(1);
    Node* first = graph.apply(Op::mul, x, 2.0);
    Node* closure = graph.apply(Op::mul, first, 1.0);
    closure->set(has_closure);
    Node* root = graph.apply(Op::mul, closure, 3.0);
    first->grad = 42;
    closure->grad = 7;
    std::vector<Node*> ran;
    const auto fail = [&](Node& node) {
        ran.push_back(&node);
        return false;
    };
    CHECK(!backward_with_closures(order_of(root), fail));
    CHECK(ran == std::vector<Node*>{closure});
    CHECK(first->grad == 42);
    CHECK(closure->grad == 10);  // and its share of the pass, which had got there
    CHECK(x->grad == 0);
}

TEST_CASE("a leaf with a closure takes part") {
    Graph graph;
    Node* x = graph.leaf(1);
    x->set(has_closure);
    std::vector<Node*> ran;
    const auto note = [&](Node& node) {
        ran.push_back(&node);
        return true;
    };
    CHECK(backward_with_closures(order_of(graph.apply(Op::mul, x, 2.0)), note));
    CHECK((ran == std::vector<Node*>{x} && x->grad == 2));
}

TEST_CASE("a pass within a pass leaves the outer one its gradients") {
    Graph graph;
    Node* x = graph.leaf(3);
    Node* shared = graph.apply(Op::mul, x, 2.0);
    Node* closure = graph.apply(Op::mul, shared, 5.0);
    closure->set(has_closure);
    Node* root = graph.apply(Op::add, closure, shared);
    const auto inner_pass = [&](Node&) { return backward(*graph.apply(Op::mul, shared, 10.0)); };
    CHECK(backward_with_closures(order_of(root), inner_pass));
    CHECK(x->grad == 20 + 2 * (1 + 10));  // the outer pass comes to `shared` later, with all of it
}

TEST_CASE("an extension takes the right operand in") {
    Graph graph;
    Node* x = graph.leaf(2);
    Node* y = graph.leaf(5);
    Node* product = graph.apply(Op::mul, x, y);
    Node* scaled = graph.apply(Op::leaky_relu, graph.apply(Op::neg, product), 0.5);
    graph.extend(product);
    graph.extend(scaled);
    CHECK(backward(*scaled));
    CHECK(x->grad == -2.5);
    CHECK(y->grad == -1);
}

TEST_CASE("late binding") {
    Graph graph;
    Node* x = graph.leaf(2);
    Node* y = graph.leaf(5);
    Node* product = graph.apply(Op::mul, x, y);
    x->data = 100;
    CHECK(backward(*product));
    CHECK(y->grad == 100);
}

}  // namespace megagrad::test
