// Counts of nodes by op.
#include "graph/census.hpp"
#include "tests/check.hpp"
#include "tests/graph.hpp"

namespace megagrad::test {

namespace {

std::uint64_t count(const Census& census, Op op) {
    return census.of_op[static_cast<std::size_t>(op)];
}

}  // namespace

TEST_CASE("a shared node counts once and a plain number as a leaf") {
    Graph graph;
    Node* x = graph.leaf(3);
    Node* doubled = graph.apply(Op::mul, x, 2.0);
    Node* square = graph.apply(Op::pow, doubled, 2.0);  // whose exponent is part of the op
    const Census census = census_of(graph.apply(Op::add, square, doubled));
    CHECK(count(census, Op::leaf) == 1);
    CHECK(count(census, Op::mul) == 1);
    CHECK(count(census, Op::pow) == 1);
    CHECK(count(census, Op::add) == 1);
    CHECK(census.numbers == 1);
}

TEST_CASE("a bulk node counts as the loop it stands for") {
    Graph graph;
    Node* weights = graph.bundle({graph.leaf(1), graph.leaf(2), graph.leaf(3)}, 0.5);
    Node* x = graph.bundle({graph.leaf(4), graph.leaf(5), graph.leaf(6)}, 0);
    const Census census = census_of(graph.neuron(Op::tanh, weights, x));
    CHECK(count(census, Op::leaf) == 6);
    CHECK(count(census, Op::mul) == 3);
    CHECK(count(census, Op::add) == 3);
    CHECK(count(census, Op::tanh) == 1);
    CHECK(census.numbers == 1);  // the start
    const Census of_sum = census_of(graph.total(weights));
    CHECK(count(of_sum, Op::add) == 3);
    CHECK(count(of_sum, Op::bundle) == 0);
}

}  // namespace megagrad::test
