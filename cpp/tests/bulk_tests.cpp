// Bulk nodes against the loops that they stand for.
#include <random>

#include "tests/check.hpp"
#include "tests/graph.hpp"

namespace megagrad::test {

namespace {

std::vector<Node*> leaves(Graph& graph, std::mt19937& random, int count) {
    std::uniform_real_distribution<double> draw(-1, 1);
    std::vector<Node*> drawn;
    for (int i = 0; i < count; ++i) drawn.push_back(graph.leaf(draw(random)));
    return drawn;
}

Node* looped(Graph& graph, const std::vector<Node*>& w, const std::vector<Node*>& x, double start) {
    Node* total = graph.leaf(start);
    for (std::size_t i = 0; i < w.size(); ++i)
        total = graph.apply(Op::add, total, graph.apply(Op::mul, w[i], x[i]));
    return total;
}

bool run(Node* root) { return backward(*root); }

void clear(const std::vector<Node*>& nodes) {
    for (Node* node : nodes) node->grad = 0;
}

std::vector<double> gradients(const std::vector<Node*>& nodes) {
    std::vector<double> grads;
    for (const Node* node : nodes) grads.push_back(node->grad);
    return grads;
}

void check_close(const std::vector<double>& actual, const std::vector<double>& expected) {
    for (std::size_t i = 0; i < actual.size(); ++i) CHECK(is_close(actual[i], expected[i], 1e-14));
}

}  // namespace

TEST_CASE("two layers of neurons are their loops") {
    std::mt19937 random(5);
    for (const Op op : {Op::leaf, Op::relu, Op::tanh, Op::gelu}) {
        Graph graph;
        const auto x = leaves(graph, random, 5), w1 = leaves(graph, random, 5),
                   w2 = leaves(graph, random, 5), w3 = leaves(graph, random, 2);
        Node* inputs = graph.bundle(x, 0);
        const std::vector<Node*> hidden{graph.neuron(op, graph.bundle(w1, 0.5), inputs),
                                        graph.neuron(op, graph.bundle(w2, -0.5), inputs)};
        Node* out = graph.neuron(Op::leaf, graph.bundle(w3, 0), graph.bundle(hidden, 0));
        const auto apply = [&](Node* sum) { return op == Op::leaf ? sum : graph.apply(op, sum); };
        Node* expected = looped(
            graph, w3, {apply(looped(graph, w1, x, 0.5)), apply(looped(graph, w2, x, -0.5))}, 0);
        CHECK(out->data == expected->data);
        std::vector<Node*> all(x);
        for (const auto& more : {w1, w2, w3}) all.insert(all.end(), more.begin(), more.end());
        CHECK(run(out));
        const auto bulk = gradients(all);
        clear(all);
        CHECK(run(expected));
        check_close(bulk, gradients(all));
    }
}

TEST_CASE("a sum gives every term its gradient") {
    Graph graph;
    Node *a = graph.leaf(1), *b = graph.leaf(2);
    Node* out = graph.apply(Op::mul, graph.total(graph.bundle({a, b, a}, 10)), 3.0);
    CHECK(out->data == 42);
    CHECK(run(out));
    CHECK((a->grad == 6 && b->grad == 3));
}

TEST_CASE("bundles read data that was written later") {
    Graph graph;
    Node *w = graph.leaf(2), *x = graph.leaf(3);
    Node* out = graph.neuron(Op::leaf, graph.bundle({w}, 0), graph.bundle({x}, 0));
    w->data = 20;
    ++data_writes;
    CHECK(run(out));
    CHECK((w->grad == 3 && x->grad == 20));
    w->data = 2;  // as it was when the bundle was made
    ++data_writes;
    clear({w, x, out});
    CHECK(run(out));
    CHECK((w->grad == 3 && x->grad == 2));
}

TEST_CASE("a loop unrolls into its nodes") {
    Graph graph;
    Node *a = graph.leaf(2), *b = graph.leaf(3), *c = graph.leaf(5);
    const Node* bundle = graph.bundle({a, b, c}, 1);
    std::vector<std::pair<Op, double>> made;
    const auto make = [&](Op op, const Term& lhs, const Term&, double data) {
        CHECK(lhs.node != nullptr);
        made.emplace_back(op, data);
        return graph.leaf(data);
    };
    const auto [first, second] = unrolled(*bundle->lhs.bundle, nullptr, make);
    CHECK((made == std::vector<std::pair<Op, double>>{{Op::add, 3}, {Op::add, 6}}));
    CHECK((first.value == 6 && second.node == c));
    made.clear();
    unrolled(*bundle->lhs.bundle, bundle->lhs.bundle, make);
    CHECK((made == std::vector<std::pair<Op, double>>{
                       {Op::mul, 4}, {Op::add, 5}, {Op::mul, 9}, {Op::add, 14}, {Op::mul, 25}}));
}

}  // namespace megagrad::test
