// Every allocation of the core fails once: what was there before is there after, and the same call
// then succeeds.
#include <functional>
#include <random>
#include <string>

#if defined(__GLIBC__)
#include <pthread.h>
#endif

#include "graph/census.hpp"
#include "optim/rules.hpp"
#include "program/program.hpp"
#include "tests/check.hpp"
#include "tests/failing_allocations.hpp"
#include "tests/recorded.hpp"

namespace megagrad::test {

namespace {

// The next backward has to ask for memory: what a long one needed is given back by a short one.
void forget_scratch() {
    Graph graph;
    Node *x = graph.leaf(1), *chain = x;
    for (int i = 0; i < 70'000; ++i) chain = graph.apply(Op::neg, chain);
    CHECK((backward(*chain) && backward(*graph.apply(Op::neg, x))));
}

std::vector<double> gradients(const std::vector<Node*>& nodes) {
    std::vector<double> numbers;
    for (const Node* node : nodes) numbers.push_back(node->grad);
    return numbers;
}

std::vector<double> data_of(const std::vector<Node*>& nodes) {
    std::vector<double> numbers;
    for (const Node* node : nodes) numbers.push_back(node->data);
    return numbers;
}

void set_gradients(const std::vector<Node*>& nodes) {
    for (std::size_t i = 0; i < nodes.size(); ++i) nodes[i]->grad = static_cast<double>(1 + i % 9);
}

// A graph with every kind of node, each with a gradient from an earlier pass.
struct MixedGraph {
    Graph graph;
    std::vector<Node*> nodes;
    Node *weights, *inputs, *root;

    explicit MixedGraph(int size = 200) {
        std::mt19937 random(7);
        for (int i = 0; i < 8; ++i) nodes.push_back(graph.leaf(0.1 * i));
        const auto any = [&] { return nodes[random() % nodes.size()]; };
        for (int i = 0; i < size; ++i) {
            nodes.push_back(graph.apply(Op::mul, any(), graph.apply(Op::tanh, any())));
            if (i % 10 == 0) nodes.push_back(graph.custom({any(), any()}, {0.5, -1.0}));
        }
        weights = graph.bundle({any(), any(), nodes[0]}, 0.5);
        inputs = graph.bundle({any(), any(), any()}, 0);
        Node* sum = graph.bundle({nodes.end() - 30, nodes.end()}, 1.0);
        root = graph.apply(Op::mul, graph.total(sum), graph.neuron(Op::tanh, weights, inputs));
        set_gradients(nodes);
    }

    std::vector<double> after_a_pass() {
        set_gradients(nodes);
        CHECK(backward(*root));
        return gradients(nodes);
    }
};

}  // namespace

TEST_CASE("backward that gets no memory changes nothing") {
    MixedGraph mixed;
    const std::vector<double> expected = mixed.after_a_pass();
    set_gradients(mixed.nodes);
    const std::vector<double> before = gradients(mixed.nodes);
    forget_scratch();
    const int failed =
        fail_each_allocation([&] { CHECK(backward(*mixed.root)); },
                             [&](bool threw) {
                                 CHECK(gradients(mixed.nodes) == (threw ? before : expected));
                                 CHECK(mixed.after_a_pass() == expected);
                                 set_gradients(mixed.nodes);
                                 forget_scratch();
                             });
    CHECK(failed > 0);
}

TEST_CASE("backward that gets no memory on its way loses no gradient") {
    MixedGraph mixed;
    const auto change_data = [&](double by) {  // bundles then have to look at it again
        mixed.nodes[0]->data += by;
        mixed.inputs->lhs.bundle->nodes[0]->data += by;
        ++data_writes;
    };
    set_gradients(mixed.nodes);
    const std::vector<double> before = gradients(mixed.nodes);
    int failed_on_its_way = 0;
    fail_each_allocation(
        [&] {
            for (Node* bundle : {mixed.weights, mixed.inputs}) {
                Bundle& operands = *bundle->lhs.bundle;
                if (operands.now != operands.values) delete[] operands.now;
                operands.now = operands.values;
            }
            change_data(0.125);
            CHECK(backward(*mixed.root));
        },
        [&](bool threw) {
            const Bundle &w = *mixed.weights->lhs.bundle, &x = *mixed.inputs->lhs.bundle;
            for (std::size_t i = 0; i <= w.count; ++i) CHECK((w.grads[i] == 0 && x.grads[i] == 0));
            if (threw && gradients(mixed.nodes) != before) ++failed_on_its_way;
            set_gradients(mixed.nodes);
            CHECK(backward(*mixed.root));
            const std::vector<double> now = gradients(mixed.nodes);
            CHECK(mixed.after_a_pass() == now);
            set_gradients(mixed.nodes);
        });
    CHECK(failed_on_its_way > 0);
}

TEST_CASE("a census without memory can be taken again") {
    MixedGraph mixed;
    const Census expected = census_of(mixed.root);
    Census census;
    fail_each_allocation([&] { census = census_of(mixed.root); },
                         [&](bool threw) { CHECK((threw || census.of_op == expected.of_op)); });
}

TEST_CASE("a recording without memory leaves no trace") {
    std::mt19937 random(11);
    RandomGraph graph(random);
    const std::string expected = to_bytes(record_all(graph.inputs, graph.outputs).program);
    const std::vector<double> before = data_of(graph.inputs);
    std::string bytes;
    const int failed = fail_each_allocation(
        [&] { bytes = to_bytes(record_all(graph.inputs, graph.outputs).program); },
        [&](bool threw) {
            CHECK((threw || bytes == expected));
            CHECK(data_of(graph.inputs) == before);
            CHECK(to_bytes(record_all(graph.inputs, graph.outputs).program) == expected);
        });
    CHECK(failed > 0);
}

TEST_CASE("a large graph is recorded and differentiated or left as it was") {
    Graph graph;
    Node *x = graph.leaf(0.5), *w = graph.leaf(2), *chain = x;
    for (int i = 0; i < 300'000; ++i)  // whose arrays lie in large pages
        chain = graph.apply(Op::sub, graph.apply(Op::mul, chain, w), 1.0 / (1 + i % 7));
    for (int number = 0; number < 100; number += 3) {
        const FailingAllocations failing(number, FailingAllocations::After::fail);
        try {
            record_all({x}, {chain});
            CHECK(!failing.has_failed());
        } catch (const std::bad_alloc&) {
            CHECK(failing.has_failed());
        }
        try {
            CHECK(backward(*chain));
        } catch (const std::bad_alloc&) {
            CHECK((x->grad == 0 && w->grad == 0 && chain->grad == 0));
        }
    }
    CHECK(record_all({x}, {chain}).program.instructions.size() == 300'000);
}

TEST_CASE("planning without memory can be done again") {
    std::mt19937 random(12);
    RandomGraph graph(random);
    const Program program = record_all(graph.inputs, graph.outputs).program;
    for (const Wanted wanted : {Wanted{}, Wanted{true, false}, everything}) {
        const Plan expected = plan(program, wanted);
        std::size_t calls = 0, registers = 0;
        const int failed = fail_each_allocation(
            [&] {
                const Plan again = plan(program, wanted);
                calls = again.calls.size();
                registers = again.registers;
            },
            [&](bool threw) {
                CHECK(
                    (threw || (calls == expected.calls.size() && registers == expected.registers)));
            });
        CHECK(failed > 0);
    }
}

namespace {

// A replay of a thousand points, into arrays of its own.
struct Batch {
    std::vector<double> data, parameters, outputs, input_grads, parameter_grads;
    Points points;

    Batch(const Program& program, const Recording& recording, std::size_t count) {
        std::mt19937 random(13);
        data = random_numbers(random, count * program.inputs);
        parameters = parameters_of(recording);
        outputs.resize(count * program.outputs.size());
        input_grads.resize(data.size());
        parameter_grads.resize(parameters.size());
        points.count = count;
        points.data = data.data();
        points.parameters = parameters.data();
        points.outputs = outputs.data();
        points.input_grads = input_grads.data();
        points.input_grad_stride = program.inputs;
        points.parameter_grads = parameter_grads.data();
    }
};

}  // namespace

TEST_CASE("a replay without memory stops all its threads and can be run again") {
    std::mt19937 random(14);
    RandomGraph graph(random);
    const Recording recording = record_all(graph.inputs, graph.outputs);
    const Plan whole = plan(recording.program, everything);
    for (const std::size_t count : {std::size_t{1}, std::size_t{100}, std::size_t{5000}}) {
        Batch expected(recording.program, recording, count);
        ReplayMemory fresh;
        CHECK(replay(whole, expected.points, 1, fresh, [] { return true; }));
        for (const unsigned threads : {1u, 2u, 5u}) {
            Batch batch(recording.program, recording, count);
            ReplayMemory kept;  // from a call that failed to the next one
            bool complete = false;
            const int failed = fail_each_allocation(
                [&] {
                    ReplayMemory memory;
                    complete = replay(whole, batch.points, threads, memory, [] { return true; });
                },
                [&](bool threw) {
                    if (threw)
                        complete = replay(whole, batch.points, threads, kept, [] { return true; });
                    CHECK((complete && batch.outputs == expected.outputs));
                    CHECK(batch.input_grads == expected.input_grads);
                    CHECK(batch.parameter_grads == expected.parameter_grads);
                    complete = false;
                });
            CHECK(failed > 0);
        }
    }
}

#if defined(__GLIBC__)
TEST_CASE("a replay that gets no threads does without") {
    std::mt19937 random(15);
    RandomGraph graph(random);
    const Recording recording = record_all(graph.inputs, graph.outputs);
    const Plan whole = plan(recording.program, everything);
    Batch expected(recording.program, recording, 5000), batch(recording.program, recording, 5000);
    ReplayMemory memory;
    CHECK(replay(whole, expected.points, 1, memory, [] { return true; }));
    pthread_attr_t usual, impossible;
    CHECK((pthread_getattr_default_np(&usual) == 0 && pthread_attr_init(&impossible) == 0));
    CHECK(pthread_attr_setstacksize(&impossible, std::size_t{1} << 52) == 0);
    CHECK(pthread_setattr_default_np(&impossible) == 0);
    CHECK(replay(whole, batch.points, 8, memory, [] { return true; }));
    CHECK(pthread_setattr_default_np(&usual) == 0);
    pthread_attr_destroy(&impossible);
    pthread_attr_destroy(&usual);
    CHECK((batch.outputs == expected.outputs && batch.parameter_grads == expected.parameter_grads));
}
#endif

TEST_CASE("bytes and listings without memory can be made again") {
    std::mt19937 random(16);
    RandomGraph graph(random);
    const Program program = record_all(graph.inputs, graph.outputs).program;
    const std::string bytes = to_bytes(program), text = listing(program);
    const auto checked = [](const std::string& expected, auto make) {
        std::string made;
        fail_each_allocation([&] { made = make(); },
                             [&](bool threw) { CHECK((threw || made == expected)); });
    };
    checked(bytes, [&] { return to_bytes(program); });
    checked(bytes, [&] { return to_bytes(from_bytes(bytes.data(), bytes.size())); });
    checked(text, [&] { return listing(program); });
}

TEST_CASE("an optimiser that gets no memory has not moved") {
    Graph graph;
    std::vector<Node*> parameters;
    for (int i = 0; i < 100; ++i) parameters.push_back(graph.leaf(0.01 * i));
    const std::vector<double> start = data_of(parameters);
    const auto check = [&](auto state, auto options) {
        const auto first_step = [&](auto& fresh) {
            for (std::size_t i = 0; i < start.size(); ++i) parameters[i]->data = start[i];
            set_gradients(parameters);
            update(parameters, fresh, options);
            return data_of(parameters);
        };
        auto untouched = state, fresh = state;
        const std::vector<double> expected = first_step(untouched);
        const auto go_back = [&] {
            for (std::size_t i = 0; i < start.size(); ++i) parameters[i]->data = start[i];
            fresh = state;
        };
        go_back();
        fail_each_allocation([&] { update(parameters, fresh, options); },
                             [&](bool threw) {
                                 if (threw) CHECK(data_of(parameters) == start);
                                 if (threw) CHECK(first_step(fresh) == expected);
                                 go_back();
                             });
    };
    SgdOptions sgd;
    sgd.lr = 0.1;
    sgd.momentum = 0.9;
    sgd.dampening = 0.5;
    check(SgdState{}, sgd);
    AdamOptions adam;
    adam.lr = 0.1;
    adam.betas = {0.9, 0.99};
    adam.eps = 1e-8;
    adam.amsgrad = true;
    check(AdamState{}, adam);
}

}  // namespace megagrad::test
