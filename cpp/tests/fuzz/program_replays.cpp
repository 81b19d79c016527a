#include "tests/fuzz/program_replays.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <random>
#include <vector>

#include "program/kernels/instruction_sets.hpp"
#include "program/run/replay.hpp"

namespace megagrad::test {

namespace {

using Numbers = std::vector<double>;

// Mostly in every op's domain, now and then at the ends of the format.
Numbers draw(std::minstd_rand& random, std::size_t count) {
    using Limits = std::numeric_limits<double>;
    static constexpr double ends[] = {0.0,
                                      -0.0,
                                      1.0,
                                      -1.0,
                                      710.0,
                                      -746.0,
                                      1e22,
                                      Limits::max(),
                                      Limits::denorm_min(),
                                      Limits::infinity(),
                                      -Limits::infinity(),
                                      Limits::quiet_NaN()};
    std::uniform_real_distribution<double> usual(-1.5, 1.5);
    Numbers numbers(count);
    for (double& number : numbers)
        number = random() % 8 == 0 ? ends[random() % std::size(ends)] : usual(random);
    return numbers;
}

// Of one replay; all that it may write.
struct Results {
    Numbers outputs, output_tangents, input_grads, input_grad_tangents, parameter_grads;
};

class Replays {
public:
    explicit Replays(const Program& program)
        : program_(program),
          // By the size alone, so that what has another number in it is run on the same points.
          random_(static_cast<std::uint32_t>(program.operands.size() + 1)),
          parameters_(draw(random_, program.parameters)) {}

    void check() {
        const Plan all = plan(program_, {true, true});
        // One point more than a block has; of a few small programs, one more than a stripe has.
        const bool has_stripes = program_.instructions.size() < 16 && random_() % 16 == 0;
        const std::size_t count = 1 + (has_stripes ? stripe_of(all) : all.points);
        const Numbers data = draw(random_, count * program_.inputs);
        const Numbers seeds = draw(random_, count * program_.outputs.size());
        for (const std::string& set : instruction_sets()) {
            use_instruction_set(set);
            check_batch(all, data, seeds, count);
            for (const Wanted wanted : {Wanted{}, Wanted{true, false}, Wanted{false, true}})
                run(plan(program_, wanted), data, seeds, std::min<std::size_t>(count, 3), 1, false);
            for (const Wanted wanted : {Wanted{}, Wanted{true, false}}) {
                const Plan dual = plan(program_, wanted);
                run(dual, data, seeds, 1, 1, true);
                run(dual, data, seeds, dual.points + 1, 1, true);
            }
        }
        use_instruction_set(instruction_sets().front());
    }

private:
    void check_batch(const Plan& all, const Numbers& data, const Numbers& seeds,
                     std::size_t count) {
        const Results batch = run(all, data, seeds, count, 1, false);
        const Results shared = run(all, data, seeds, count, 2, false);
        expect_same(batch.outputs, shared.outputs);
        expect_same(batch.input_grads, shared.input_grads);
        expect_same(batch.parameter_grads, shared.parameter_grads);
        const Results alone = run(all, last(data, count), last(seeds, count), 1, 1, false);
        expect_same(last(batch.outputs, count), alone.outputs);
        expect_same(last(batch.input_grads, count), alone.input_grads);
    }

    static Numbers last(const Numbers& numbers, std::size_t count) {
        return {numbers.end() - static_cast<std::ptrdiff_t>(numbers.size() / count), numbers.end()};
    }

    static void expect_same(const Numbers& a, const Numbers& b) {
        const auto is_same = [](double x, double y) {
            return std::bit_cast<std::uint64_t>(x) == std::bit_cast<std::uint64_t>(y) ||
                   (std::isnan(x) && std::isnan(y));
        };
        expect(std::equal(a.begin(), a.end(), b.begin(), b.end(), is_same),
               "a point is the same alone, in a batch and on any thread");
    }

    Results run(const Plan& plan, const Numbers& data, const Numbers& seeds, std::size_t count,
                unsigned threads, bool has_tangents) const {
        const std::size_t inputs = program_.inputs, outputs = program_.outputs.size();
        Results results{Numbers(count * outputs), Numbers(count * outputs), Numbers(count * inputs),
                        Numbers(count * inputs), Numbers(program_.parameters)};
        Points points;
        points.count = count;
        points.data = data.data();
        points.seeds = seeds.data();
        points.seed_stride = outputs;
        points.parameters = parameters_.data();
        points.outputs = results.outputs.data();
        if (plan.wanted.inputs) {
            points.input_grads = results.input_grads.data();
            points.input_grad_stride = inputs;
        }
        if (plan.wanted.parameters) points.parameter_grads = results.parameter_grads.data();
        if (has_tangents) {
            points.tangents = data.data();  // any numbers will do
            points.tangent_stride = count > 1 ? 0 : inputs;
            points.output_tangents = results.output_tangents.data();
            points.input_grad_tangents = results.input_grad_tangents.data();
        }
        ReplayMemory memory;
        expect(replay(plan, points, threads, memory, [] { return true; }),
               "a replay comes to its end");
        return results;
    }

    const Program& program_;
    std::minstd_rand random_;
    const Numbers parameters_;
};

}  // namespace

void expect(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "does not hold: %s\n", what);
    std::abort();
}

void check_replays(const Program& program) { Replays(program).check(); }

}  // namespace megagrad::test
