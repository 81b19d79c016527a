// The op table: every entry's partial derivatives against differences of its forward value.
#include <algorithm>
#include <cstring>
#include <random>
#include <sstream>
#include <string>

#include "tests/check.hpp"
#include "tests/graph.hpp"

namespace megagrad::test {

namespace {

struct Interval {
    double low, high;
};

std::vector<Interval> domain_of(const OpInfo& entry) {
    std::istringstream text(entry.domain);
    std::vector<Interval> domain;
    for (std::string part; text >> part;) {
        const auto colon = part.find(':');
        domain.push_back({std::stod(part), std::stod(part.substr(colon + 1))});
    }
    return domain;
}

std::vector<Op> table_ops() {
    std::vector<Op> all;
    for (std::size_t i = 0; i < op_infos.size(); ++i)
        if (op_infos[i].kind != Kind::structural) all.push_back(static_cast<Op>(i));
    return all;
}

// Of order h^4 (Abramowitz & Stegun 25.3.6).
template <class Function>
double slope(Function f, double x) {
    const double h = 1e-3;
    return (8 * (f(x + h) - f(x - h)) - (f(x + 2 * h) - f(x - 2 * h))) / (12 * h);
}

bool is_near_a_kink(const OpInfo& entry, double x, double y) {
    for (const char* kinked : {"abs", "relu", "leaky_relu", "elu"})
        if (std::strcmp(entry.name, kinked) == 0) return std::fabs(x) < 0.01;
    return entry.kind == Kind::binary && std::fabs(x - y) < 0.01;
}

}  // namespace

TEST_CASE("every row says where to test it") {
    for (const Op op : table_ops()) {
        const OpInfo& entry = info(op);
        const std::size_t numbers = entry.kind == Kind::unary ? 1 : 2;
        CHECK(domain_of(entry).size() == numbers);
        for (const Interval& interval : domain_of(entry)) CHECK(interval.low < interval.high);
        CHECK(*entry.label != '\0');
        CHECK(*entry.doc != '\0');
    }
}

TEST_CASE("names are unique") {
    for (const OpInfo& entry : op_infos) {
        const auto same = [&](const OpInfo& other) {
            return std::strcmp(entry.name, other.name) == 0;
        };
        CHECK(std::count_if(op_infos.begin(), op_infos.end(), same) == 1);
    }
}

TEST_CASE("partials are slopes") {
    std::mt19937 random(1);
    for (const Op op : table_ops()) {
        const OpInfo& entry = info(op);
        const auto domain = domain_of(entry);
        for (int trial = 0; trial < 100; ++trial) {
            const auto draw = [&](std::size_t i) {
                return i < domain.size()
                           ? std::uniform_real_distribution(domain[i].low, domain[i].high)(random)
                           : 0.0;
            };
            const double x = draw(0), y = draw(1);
            if (is_near_a_kink(entry, x, y)) continue;
            Graph graph;
            Node* node = has_two_operands(op) ? graph.apply(op, graph.leaf(x), graph.leaf(y))
                                              : graph.apply(op, graph.leaf(x), y);
            const bool is_number = op == Op::detach;  // which has no derivative
            const double by_x =
                is_number ? 0 : slope([&](double t) { return evaluate(op, t, y); }, x);
            CAPTURE(entry.name);
            CAPTURE(x);
            CAPTURE(y);
            CHECK(is_close(partial_by_lhs(*node), by_x, 1e-7));
            if (!has_two_operands(op) || op == Op::shifted) continue;
            const double by_y = slope([&](double t) { return evaluate(op, x, t); }, y);
            CHECK(is_close(partial_by_rhs(*node), by_y, 1e-7));
        }
    }
}

TEST_CASE("one node propagates its partials") {
    for (const Op op : table_ops()) {
        Graph graph;
        Node* x = graph.leaf(0.5);
        Node* y = graph.leaf(0.75);
        Node* node = has_two_operands(op) ? graph.apply(op, x, y) : graph.apply(op, x, 0.75);
        node->grad = 2;
        propagate(*node);
        CHECK(x->grad == 2 * partial_by_lhs(*node));
        CHECK(y->grad == (has_two_operands(op) ? 2 * partial_by_rhs(*node) : 0));
    }
}

TEST_CASE("careful functions keep their digits") {
    CHECK(sigmoid(-745.0) > 0);
    CHECK(sigmoid(1000.0) == 1);
    CHECK(softplus(1000.0) == 1000);
    CHECK(is_close(softplus(-700.0) / std::exp(-700.0), 1, 1e-12));
    CHECK(is_close(normal_cdf(-10.0) / 7.6198530241605260e-24, 1, 1e-12));
    CHECK((std::isnan(maximum(std::nan(""), 1.0)) && std::isnan(maximum(1.0, std::nan("")))));
    CHECK((std::isnan(minimum(std::nan(""), 1.0)) && std::isnan(minimum(1.0, std::nan("")))));
}

}  // namespace megagrad::test
