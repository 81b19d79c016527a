// Many threads replay one program, and passes are left to threads that are gone. Under
// ThreadSanitizer, if built so:
//   cmake -DCMAKE_CXX_FLAGS=-fsanitize=thread -DMEGAGRAD_PYTHON=OFF -DMEGAGRAD_TESTS=ON -S . -B ...
#include <atomic>
#include <future>
#include <thread>

#include "program/kernels/instruction_sets.hpp"
#include "program/record/record.hpp"
#include "program/run/replay.hpp"
#include "tests/check.hpp"
#include "tests/graph.hpp"

namespace megagrad::test {

namespace {

// A network of one hidden layer, on the plan for all gradients.
struct Network {
    static constexpr std::size_t inputs = 3, hidden = 8;

    Graph graph;
    std::vector<double> parameters;
    Plan plan;

    Network() {
        std::vector<Node*> x, cells, weights;
        for (std::size_t i = 0; i < inputs; ++i) x.push_back(graph.leaf(0.5));
        for (std::size_t j = 0; j < hidden; ++j) {
            Node* sum = graph.leaf(0.1 * static_cast<double>(j));
            for (std::size_t i = 0; i < inputs; ++i)
                sum =
                    graph.apply(Op::add, sum,
                                graph.apply(Op::mul, x[i], graph.leaf(0.2 - 0.1 * double(i + j))));
            cells.push_back(graph.apply(Op::tanh, sum));
        }
        Node* output = graph.leaf(0.0);
        for (Node* cell : cells) output = graph.apply(Op::add, output, graph.apply(Op::sin, cell));
        const Recording recording = record(x, {output}, nullptr, true);
        for (const Node* node : recording.parameters) parameters.push_back(node->data);
        plan = megagrad::plan(recording.program, {true, true});
    }
};

struct Batch {
    std::vector<double> data, outputs, input_grads, parameter_grads;

    Batch(const Network& network, std::size_t count)
        : data(count * Network::inputs),
          outputs(count),
          input_grads(data.size()),
          parameter_grads(network.parameters.size()) {
        for (std::size_t i = 0; i < data.size(); ++i)
            data[i] = static_cast<double>(i % 19) / 10 - 0.9;
    }

    bool run(const Network& network, unsigned threads, ReplayMemory& memory,
             const std::function<bool()>& poll) {
        Points points;
        points.count = outputs.size();
        points.data = data.data();
        points.parameters = network.parameters.data();
        points.outputs = outputs.data();
        points.input_grads = input_grads.data();
        points.input_grad_stride = Network::inputs;
        points.parameter_grads = parameter_grads.data();
        return replay(network.plan, points, threads, memory, poll);
    }

    bool operator==(const Batch&) const = default;
};

constexpr unsigned callers = 6;

// Runs `work(i)` on this many threads at once.
template <class Work>
void on_all(Work work) {
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < callers; ++i) threads.emplace_back([&work, i] { work(i); });
    for (std::thread& thread : threads) thread.join();
}

bool go_on() { return true; }

// outer = 5 * inner, inner = 3 * x with a rule of its own and gradients of an earlier pass.
struct Interrupted {
    Graph graph;
    Node *x = graph.leaf(2), *inner = graph.apply(Op::mul, x, 3.0),
         *outer = graph.apply(Op::mul, inner, 5.0);

    Interrupted() {
        inner->set(has_closure);
        inner->grad = 7;
        x->grad = 1;
    }
    bool is_as_if_stopped() const { return inner->grad == 12 && x->grad == 1; }
};

}  // namespace

// What a process does that fork() made while another thread was within a pass.
TEST_CASE("a pass of a thread that is gone ends as if stopped") {
    Interrupted other, own;
    std::promise<void> within, may_end;
    const auto order = order_of(other.outer);
    std::thread thread([&] {
        backward_with_closures(order, [&](Node&) {
            within.set_value();
            may_end.get_future().wait();
            return false;
        });
    });
    within.get_future().wait();
    bool own_goes_on = false;
    const auto forked = [&](Node&) {
        leave_passes_to_other_threads();
        own_goes_on = own.inner->grad == 5;
        return false;
    };
    CHECK(!backward_with_closures(order_of(own.outer), forked));
    CHECK((own_goes_on && own.is_as_if_stopped()));
    CHECK(other.is_as_if_stopped());
    may_end.set_value();
    thread.join();
}

TEST_CASE("threads of one replay share its points") {
    const Network network;
    const std::size_t stripe = stripe_of(network.plan);
    for (const std::size_t count : {std::size_t{2}, stripe, stripe + 1, 10 * stripe + 7}) {
        ReplayMemory memory;
        Batch alone(network, count);
        CHECK(alone.run(network, 1, memory, go_on));
        for (const unsigned threads : {2u, 3u, 8u, 64u}) {
            Batch together(network, count);
            CHECK(together.run(network, threads, memory, go_on));
            CHECK(together == alone);
        }
    }
}

TEST_CASE("replays on many threads at once share a plan") {
    const Network network;
    const std::size_t count = 4 * stripe_of(network.plan) + 5;
    Batch wanted(network, count);
    ReplayMemory memory;
    CHECK(wanted.run(network, 1, memory, go_on));
    std::atomic<int> right{0};
    on_all([&](unsigned i) {
        ReplayMemory own;
        for (unsigned turn = 0; turn < 5; ++turn) {
            Batch batch(network, count);
            right += batch.run(network, 1 + (i + turn) % 4, own, go_on) && batch == wanted;
        }
    });
    CHECK(right == 5 * callers);
}

TEST_CASE("a replay is stopped half way while others go on") {
    const Network network;
    const std::size_t count = 600 * stripe_of(network.plan), little = 1000;
    Batch wanted(network, little);
    ReplayMemory memory;
    CHECK(wanted.run(network, 1, memory, go_on));
    std::atomic<int> stopped{0}, right{0};
    on_all([&](unsigned i) {
        ReplayMemory own;
        Batch batch(network, i % 2 != 0 ? count : little);
        if (i % 2 == 0) {
            right += batch.run(network, 2, own, go_on) && batch == wanted;
            return;
        }
        // On a busy machine the others may be done before this thread asks.
        bool is_stopped = false;
        for (int attempt = 0; attempt < 100 && !is_stopped; ++attempt)
            is_stopped = !batch.run(network, 1 + i, own, [] { return false; });
        stopped += is_stopped;
        Batch again(network, little);
        right += again.run(network, 2, own, go_on) && again == wanted;
    });
    CHECK((stopped == callers / 2 && right == callers));
}

TEST_CASE("the instruction set may change while others replay") {
    const Network network;
    const std::vector<std::string> sets = instruction_sets();
    std::atomic<int> complete{0};
    on_all([&](unsigned i) {
        ReplayMemory own;
        Batch batch(network, 2 * stripe_of(network.plan));
        for (unsigned turn = 0; turn < 10; ++turn) {
            use_instruction_set(sets[(i + turn) % sets.size()]);
            complete += batch.run(network, 2, own, go_on);
        }
    });
    CHECK(complete == 10 * callers);
    CHECK(use_instruction_set(sets.front()));
}

}  // namespace megagrad::test
