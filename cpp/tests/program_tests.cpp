// Recorded programs against the graphs that they were recorded from.
#include <cmath>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>

#include "program/kernels/instruction_sets.hpp"
#include "program/program.hpp"
#include "program/run/pairwise_sum.hpp"
#include "tests/check.hpp"
#include "tests/graph.hpp"
#include "tests/recorded.hpp"

namespace megagrad::test {

namespace {

void check_close(const std::vector<double>& actual, const std::vector<double>& expected,
                 double tolerance) {
    CHECK(actual.size() == expected.size());
    for (std::size_t i = 0; i < actual.size(); ++i)
        CHECK(is_close(actual[i], expected[i], tolerance));
}

// The sum of the outputs' gradients, by the engine.
Results by_backward(RandomGraph& random) {
    Results results;
    for (Node* output : random.outputs) {
        const double before = output->grad;
        CHECK(backward(*output));
        output->grad += before;
        results.outputs.push_back(output->data);
    }
    return results;
}

std::string message_of(const Program& program) {
    try {
        validate(program);
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "";
}

bool is_refused(const std::string& bytes) {
    try {
        from_bytes(bytes.data(), bytes.size());
        return false;
    } catch (const std::invalid_argument&) {
        return true;
    }
}

}  // namespace

TEST_CASE("a program computes what its graph does") {
    std::mt19937 random(1);
    for (int round = 0; round < 50; ++round) {
        RandomGraph graph(random);
        const Recording recording = record_all(graph.inputs, graph.outputs);
        validate(recording.program);
        std::vector<double> point;
        for (const Node* input : graph.inputs) point.push_back(input->data);
        std::vector<Node*> leaves(graph.inputs);
        leaves.insert(leaves.end(), recording.parameters.begin(), recording.parameters.end());
        const Results expected = by_backward(graph);
        std::vector<double> input_grads, parameter_grads;
        for (const Node* input : graph.inputs) input_grads.push_back(input->grad);
        for (const Node* node : recording.parameters) parameter_grads.push_back(node->grad);
        for (const std::string& set : instruction_sets()) {
            CHECK(use_instruction_set(set));
            const Results results = replayed(recording.program, point, parameters_of(recording));
            check_close(results.outputs, expected.outputs, 1e-12);
            check_close(results.input_grads, input_grads, 1e-10);
            check_close(results.parameter_grads, parameter_grads, 1e-10);
        }
        use_instruction_set(instruction_sets().front());
    }
}

TEST_CASE("a point is the same alone in a batch and on any thread") {
    std::mt19937 random(2);
    RandomGraph graph(random);
    const Recording recording = record_all(graph.inputs, graph.outputs);
    const std::vector<double> parameters = parameters_of(recording);
    const std::vector<double> data = random_numbers(random, 3 * 1001);
    for (const std::string& set : instruction_sets()) {
        CHECK(use_instruction_set(set));
        const Results all = replayed(recording.program, data, parameters);
        for (const unsigned threads : {2u, 3u, 7u}) {
            const Results shared = replayed(recording.program, data, parameters, threads);
            CHECK((shared.outputs == all.outputs && shared.input_grads == all.input_grads));
            CHECK(shared.parameter_grads == all.parameter_grads);
        }
        for (const std::size_t i : {0u, 7u, 8u, 255u, 999u, 1000u}) {
            const Results one =
                replayed(recording.program, {&data[3 * i], &data[3 * i] + 3}, parameters);
            for (std::size_t k = 0; k < 3; ++k) {
                CHECK(one.outputs[k] == all.outputs[3 * i + k]);
                CHECK(one.input_grads[k] == all.input_grads[3 * i + k]);
            }
        }
    }
    use_instruction_set(instruction_sets().front());
}

TEST_CASE("sums of products become dots") {
    Graph graph;
    Node *x = graph.leaf(2), *y = graph.leaf(3), *w = graph.leaf(4), *v = graph.leaf(5),
         *b = graph.leaf(6);
    Node* sum = graph.apply(Op::sub, graph.apply(Op::add, b, graph.apply(Op::mul, w, x)),
                            graph.apply(Op::mul, v, y));
    const Recording recording = record_all({x, y}, {sum});
    CHECK(recording.program.instructions.size() == 1);
    CHECK(recording.program.instructions[0].op == Op::dot);
    CHECK((recording.program.counts.recorded == 4 && recording.program.counts.fused == 3));
    CHECK(listing(recording.program).find("t0 = p0 + p1*x0 - p2*x1") != std::string::npos);
    CHECK((recording.parameters == std::vector<Node*>{b, w, v}));
    const Results results = replayed(recording.program, {2, 3}, {6, 4, 5});
    CHECK(results.outputs[0] == 6 + 4 * 2 - 5 * 3);
    CHECK((results.parameter_grads == std::vector<double>{1, 2, -3}));
    CHECK((results.input_grads == std::vector<double>{4, -5}));
}

TEST_CASE("equal constant and unused parts go") {
    Graph graph;
    Node* x = graph.leaf(2);
    Node* twice = graph.apply(Op::mul, graph.apply(Op::exp, x), graph.apply(Op::exp, x));
    Node* same = graph.apply(Op::div, graph.apply(Op::mul, twice, 1), 1);
    const Recording recording = record_all({x}, {same});
    CHECK(recording.program.instructions.size() == 2);
    CHECK((recording.program.counts.merged == 1 && recording.program.counts.folded == 2));
}

TEST_CASE("a neuron beside others may have no gradient") {
    Graph graph;
    Node *x = graph.leaf(2), *w = graph.leaf(3), *b = graph.leaf(0.5);
    const auto neuron = [&] { return graph.apply(Op::add, b, graph.apply(Op::mul, w, x)); };
    Node* used = graph.apply(Op::sub, neuron(), graph.apply(Op::mul, graph.leaf(5), x));
    Node* compared = graph.apply(Op::sub, neuron(), graph.apply(Op::mul, graph.leaf(7), x));
    Node* out = graph.apply(Op::mul, used, graph.apply(Op::less, compared, 1));
    const Recording recording = record_all({x}, {out});
    const Results results = replayed(recording.program, {2, 0}, parameters_of(recording));
    CHECK((results.outputs == std::vector<double>{-3.5, 0.5}));
    CHECK((results.input_grads == std::vector<double>{-2, -2}));
}

TEST_CASE("a rule of the users own is refused") {
    Graph graph;
    Node* x = graph.leaf(1);
    Node* custom = graph.custom({x}, {2.0});
    try {
        record_all({x}, {custom});
        CHECK(false);
    } catch (const NotRecordable& refused) {
        CHECK(refused.node == custom);
    }
}

TEST_CASE("vectors are added in one order however they come") {
    const std::vector<double> numbers{1e16, 1.0, -1e16, 3.0, 1e-3, 7.0, 0.1};
    const auto total = [&](const std::vector<std::size_t>& order) {
        PairwiseSum sum;
        for (const std::size_t i : order) sum.add(i, {numbers[i]});
        return sum.total()[0];
    };
    const double expected = ((numbers[0] + numbers[1]) + (numbers[2] + numbers[3])) +
                            ((numbers[4] + numbers[5]) + numbers[6]);
    CHECK(total({0, 1, 2, 3, 4, 5, 6}) == expected);
    CHECK(total({6, 5, 4, 3, 2, 1, 0}) == expected);
    CHECK(total({3, 6, 0, 5, 1, 4, 2}) == expected);
}

TEST_CASE("equal operations are merged also among very many users of one value") {
    Graph graph;
    Node *x = graph.leaf(0.5), *last = graph.leaf(3), *total = graph.leaf(0);
    for (int repeated = 0; repeated < 2; ++repeated)
        for (int i = 0; i < 1000; ++i) {
            Node* user = graph.apply(Op::mul, last, 1.5 + i);  // by a constant
            total = graph.apply(Op::maximum, total, graph.apply(Op::maximum, x, user));
        }
    const Program program = record_all({x, last}, {total}).program;
    CHECK(program.counts.recorded == 6000);
    CHECK(program.counts.merged == 2000);
    CHECK(program.instructions.size() == 4000);
}

TEST_CASE("a poll stops a replay") {
    Graph graph;
    Node *x = graph.leaf(0.5), *chain = x;
    for (int i = 0; i < 2000; ++i) chain = graph.apply(Op::sin, chain);
    const Plan sines = plan(record_all({x}, {chain}).program, {});
    const std::vector<double> data(1'000'000, 0.5);  // for seconds
    Points points;
    points.count = data.size();
    points.data = data.data();
    ReplayMemory memory;
    for (const unsigned threads : {1u, 3u})
        CHECK(!replay(sines, points, threads, memory, [] { return false; }));
}

// In time that grows with its length; with its square, this would take half an hour.
TEST_CASE("a long sum may wait for one value while others do not") {
    constexpr std::uint32_t many = 1'000'000;
    Program program;
    program.inputs = 1;
    const auto add = [&](Op op, std::uint32_t count, Id first_factors) {
        program.instructions.push_back(Instruction{op, count, program.operands.size()});
        for (std::uint32_t i = 0; i < count; ++i)
            program.operands.push_back(i % 2 == 1 ? first_factors : 0);
    };
    add(Op::dot, 3, 0);
    add(Op::exp, 1, 0);
    add(Op::dot, 2 * many + 1, 2);
    for (std::uint32_t i = 0; i < many; ++i) add(Op::dot, 3, 0);
    program.outputs = {3};
    validate(program);
    CHECK(plan(program, {}).calls.size() == many + 3);
}

TEST_CASE("listings have the shortest text of each number") {
    constexpr double infinite = std::numeric_limits<double>::infinity();
    Program program;
    program.constants = {0,
                         -0.0,
                         2,
                         0.1,
                         1.0 / 3,
                         0.1 + 0.2,
                         100000,
                         12345.678,
                         1e-5,
                         1e22,
                         0x1p-30,
                         -1.5e300,
                         5e-324,
                         1.2e-310,
                         infinite,
                         -infinite,
                         std::copysign(std::nan(""), -1.0)};
    for (Id id = 0; id < program.constants.size(); ++id) program.outputs.push_back(id);
    const std::string text = listing(program);
    CHECK(text.substr(text.rfind("outputs:")) ==
          "outputs: 0 -0 2 0.1 0.3333333333333333 0.30000000000000004 100000 12345.678 1e-05 1e+22"
          " 9.313225746154785e-10 -1.5e+300 5e-324 1.2e-310 inf -inf nan");
}

TEST_CASE("programs survive as bytes and nothing else does") {
    std::mt19937 random(4);
    RandomGraph graph(random);
    const Program program = record_all(graph.inputs, graph.outputs).program;
    const std::string bytes = to_bytes(program);
    const Program again = from_bytes(bytes.data(), bytes.size());
    CHECK((to_bytes(again) == bytes && listing(again) == listing(program)));
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        std::string broken = bytes;
        broken[i] = static_cast<char>(broken[i] ^ 1 << i % 8);
        CHECK(is_refused(broken));
        CHECK(is_refused(bytes.substr(0, i)));
    }
    CHECK(is_refused(bytes + "x"));
}

TEST_CASE("a program that could not have been recorded is invalid") {
    Graph graph;
    Node* x = graph.leaf(1);
    const Program valid = record_all({x}, {graph.apply(Op::elu, x, 1)}).program;
    CHECK(message_of(valid).empty());
    const auto broken = [&](auto change) {
        Program program = valid;
        change(program);
        return message_of(program);
    };
    CHECK(broken([](Program& p) { p.operands[0] = 2; }) != "");  // its own result
    CHECK(broken([](Program& p) { p.operands[1] = 0; }) != "");  // a parameter that is no constant
    CHECK(broken([](Program& p) { p.outputs[0] = 9; }) != "");
    CHECK(broken([](Program& p) { p.instructions[0].op = Op::leaf; }) != "");
    CHECK(broken([](Program& p) { p.instructions[0].op = static_cast<Op>(200); }) != "");
    CHECK(broken([](Program& p) { p.instructions[0].count = 1; }) != "");
    CHECK(broken([](Program& p) { p.instructions[0].first = 1; }) != "");
    CHECK(broken([](Program& p) { p.inputs = MarkedNumber::limit; }) != "");
}

}  // namespace megagrad::test
