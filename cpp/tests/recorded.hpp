// Graphs to be recorded, and what their programs compute.
#pragma once

#include <random>
#include <vector>

#include "program/record/record.hpp"
#include "program/run/replay.hpp"
#include "tests/check.hpp"
#include "tests/graph.hpp"

namespace megagrad::test {

inline constexpr Wanted everything{true, true};

inline Recording record_all(const std::vector<Node*>& inputs, const std::vector<Node*>& outputs) {
    return record(inputs, outputs, nullptr, true);
}

inline std::vector<double> random_numbers(std::mt19937& random, std::size_t count) {
    std::uniform_real_distribution<double> draw(0.3, 0.9);  // in every op's domain
    std::vector<double> numbers(count);
    for (double& number : numbers) number = draw(random);
    return numbers;
}

// Every op once or more, of operands at random; tanh keeps the numbers in every op's domain.
struct RandomGraph {
    Graph graph;
    std::vector<Node*> inputs, parameters, outputs;

    explicit RandomGraph(std::mt19937& random) {
        for (const double number : random_numbers(random, 3)) inputs.push_back(graph.leaf(number));
        for (const double number : random_numbers(random, 3))
            parameters.push_back(graph.leaf(number));
        std::vector<Node*> nodes(inputs);
        nodes.insert(nodes.end(), parameters.begin(), parameters.end());
        const auto any = [&] { return nodes[random() % nodes.size()]; };
        for (std::size_t i = 0; i < op_infos.size(); ++i) {
            const Op op = static_cast<Op>(i);
            if (info(op).kind == Kind::structural) continue;
            Node* node = has_two_operands(op) ? graph.apply(op, any(), any())
                                              : graph.apply(op, any(), info(op).default_parameter);
            nodes.push_back(tamed(node));
        }
        Node* terms = graph.bundle({nodes.end() - 8, nodes.end()}, 0.5);
        outputs = {graph.neuron(Op::tanh, graph.bundle({any(), any(), any()}, 0.25),
                                graph.bundle({any(), any(), any()}, 0)),
                   graph.total(terms), any()};
    }

    Node* tamed(Node* node) {  // 0.6 + 0.3 * tanh(node), between 0.3 and 0.9
        node = graph.apply(Op::mul, graph.apply(Op::tanh, node), 0.3);
        return graph.apply(Op::add, node, 0.6);
    }
};

struct Results {
    std::vector<double> outputs, input_grads, parameter_grads;
};

inline Results replayed(const Program& program, const std::vector<double>& data,
                        const std::vector<double>& parameters, unsigned threads = 1) {
    const std::size_t count = data.size() / program.inputs;
    Results results{std::vector<double>(count * program.outputs.size()),
                    std::vector<double>(data.size()), std::vector<double>(parameters.size())};
    Points points;
    points.count = count;
    points.data = data.data();
    points.parameters = parameters.data();
    points.outputs = results.outputs.data();
    points.input_grads = results.input_grads.data();
    points.input_grad_stride = program.inputs;
    points.parameter_grads = results.parameter_grads.data();
    ReplayMemory memory;
    CHECK(replay(plan(program, everything), points, threads, memory, [] { return true; }));
    return results;
}

inline std::vector<double> parameters_of(const Recording& recording) {
    std::vector<double> data;
    for (const Node* node : recording.parameters) data.push_back(node->data);
    return data;
}

}  // namespace megagrad::test
