// How the fuzzer changes its inputs. Bytes that are changed at random are hardly ever a program,
// for the checksum and the counts of what follows; so most mutations change a program and save it.
#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "program/checksum.hpp"
#include "program/little_endian.hpp"
#include "program/program.hpp"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace megagrad::test {

namespace {

constexpr std::size_t checksum_size = 8;

// A program that is easy to change: each instruction has its operands.
struct Line {
    Op op;
    std::vector<Use> operands;
};

class Sketch {
public:
    Sketch(const Program& program, std::uint32_t seed) : program_(program), random_(seed) {
        for (const Instruction& instruction : program.instructions) {
            const Use* operands = program.operands_of(instruction);
            lines_.push_back({instruction.op, {operands, operands + instruction.count}});
        }
    }

    std::string bytes() {
        program_.instructions.clear();
        program_.operands.clear();
        for (const Line& line : lines_) {
            program_.instructions.push_back(
                Instruction{line.op, static_cast<std::uint32_t>(line.operands.size()),
                            program_.operands.size()});
            program_.operands.insert(program_.operands.end(), line.operands.begin(),
                                     line.operands.end());
        }
        return to_bytes(program_);
    }

    void change() {
        switch (below(12)) {
            case 0:
                return change_op();
            case 1:
            case 2:
                return change_operand();
            case 3:
                return change_sign();
            case 4:
                return change_constant();
            case 5:
                return add_leaf();
            case 6:
            case 7:
                return insert_line(any_line());
            case 8:
                return insert_line(any_dot());
            case 9:
                return add_neurons();
            case 10:
                return remove_line();
            default:
                return change_output();
        }
    }

    // Another program after this one, on the same inputs as far as there are so many.
    void append(const Program& other) {
        const Id first = result(0), theirs = other.first_result();
        const Id shift = result(lines_.size());
        for (const Instruction& instruction : other.instructions) {
            Line line{instruction.op, {}};
            const Use* operands = other.operands_of(instruction);
            for (std::uint32_t k = 0; k < instruction.count; ++k) {
                const Id id = operands[k].number();
                const Id here = id >= theirs ? id - theirs + shift : first == 0 ? 0 : id % first;
                line.operands.push_back({here, operands[k].is_subtracted()});
            }
            lines_.push_back(line);
        }
        change_output();
    }

private:
    std::uint32_t below(std::size_t count) {
        return count == 0 ? 0 : static_cast<std::uint32_t>(random_() % count);
    }
    Id result(std::size_t line) const { return program_.first_result() + static_cast<Id>(line); }

    // A value that line has for an operand; now and then one that it must not have.
    Id any_operand(std::size_t line) {
        const Id known = result(line);
        if (below(64) == 0) return static_cast<Id>(random_());
        if (below(64) == 0) return known;
        const Id near = below(8) + 1;
        return below(2) == 0 && near <= known ? known - near : below(known);
    }

    Op any_op() { return static_cast<Op>(below(op_infos.size() + (below(64) == 0 ? 2 : 0))); }

    // The number of a new constant.
    Id add_constant(double number) {
        const Id id = program_.first_result();
        move_up(id);
        program_.constants.push_back(number);
        return id;
    }

    double any_number() {
        using Limits = std::numeric_limits<double>;
        static constexpr double some[] = {0.0,
                                          -0.0,
                                          1.0,
                                          -1.0,
                                          0.5,
                                          2.0,
                                          1e-3,
                                          100.0,
                                          Limits::max(),
                                          Limits::denorm_min(),
                                          Limits::infinity(),
                                          Limits::quiet_NaN()};
        if (below(8) > 0) return some[below(std::size(some))];
        return std::bit_cast<double>(std::uint64_t{random_()} << 32 | random_());
    }

    template <class Change>
    void for_each_use(Change change) {
        for (Line& line : lines_)
            for (Use& use : line.operands) use = {change(use.number()), use.is_subtracted()};
        for (Id& output : program_.outputs) output = change(output);
    }

    // Makes the number `from` free for a value.
    void move_up(Id from) {
        for_each_use([&](Id id) { return from <= id && id < largest_program ? id + 1 : id; });
    }

    void change_op() {
        if (lines_.empty()) return;
        Line& line = lines_[below(lines_.size())];
        const Op op = any_op();
        line.op = op;
        if (below(16) == 0 || static_cast<std::size_t>(op) >= op_infos.size()) return;
        const std::size_t right = op == Op::dot                  ? line.operands.size() | 1
                                  : info(op).kind == Kind::unary ? 1
                                                                 : 2;
        line.operands.resize(right, line.operands.empty() ? Use(0) : line.operands[0]);
    }

    void change_operand() {
        if (lines_.empty()) return;
        const std::size_t i = below(lines_.size());
        std::vector<Use>& operands = lines_[i].operands;
        if (!operands.empty()) operands[below(operands.size())] = any_operand(i);
    }

    void change_sign() {
        if (lines_.empty()) return;
        Line& line = lines_[below(lines_.size())];
        if (line.operands.size() < 3) return;
        Use& factor = line.operands[1 + 2 * below(line.operands.size() / 2)];
        factor = {factor.number(), !factor.is_subtracted()};
    }

    void change_constant() {
        if (program_.constants.empty()) {
            add_constant(any_number());
        } else {
            program_.constants[below(program_.constants.size())] = any_number();
        }
    }

    void add_leaf() {
        if (below(2) == 0) {
            move_up(program_.inputs);
            ++program_.inputs;
        } else {
            move_up(program_.first_constant());
            ++program_.parameters;
        }
    }

    Line any_line() {
        const Op op = any_op();
        if (op == Op::dot) return any_dot();
        const std::size_t end = lines_.size();
        Line line{op, {any_operand(end)}};
        if (static_cast<std::size_t>(op) >= op_infos.size()) return line;
        if (info(op).kind == Kind::parametric) {
            const Id constant = add_constant(any_number());
            return {op, {any_operand(end), constant}};
        }
        if (has_two_operands(op)) line.operands.push_back(any_operand(end));
        return line;
    }

    Line any_dot() {
        const std::size_t end = lines_.size(), most = below(8) == 0 ? 100 : 6;
        Line line{Op::dot, {any_operand(end)}};
        for (std::size_t products = 1 + below(most); products > 0; --products) {
            line.operands.push_back({any_operand(end), below(4) == 0});
            line.operands.push_back(any_operand(end));
        }
        return line;
    }

    // At the end, where all values are known; the output comes to depend on it.
    void insert_line(Line line) {
        lines_.push_back(std::move(line));
        if (program_.outputs.empty() || below(4) == 0)
            program_.outputs.push_back(result(lines_.size() - 1));
        else
            program_.outputs[below(program_.outputs.size())] = result(lines_.size() - 1);
    }

    // Dots of the same inputs with other factors.
    void add_neurons() {
        const std::size_t end = lines_.size();
        const Line first = any_dot();
        const Id known = result(end);
        for (std::size_t count = 2 + below(below(4) == 0 ? 70 : 6); count > 0; --count) {
            Line line = first;
            for (std::size_t k = 1; k < line.operands.size(); k += 2)
                if (below(2) == 0) line.operands[k] = below(known);
            insert_line(line);
        }
    }

    void remove_line() {
        if (lines_.empty()) return;
        const std::size_t i = below(lines_.size());
        const Id gone = result(i);
        const Id instead = lines_[i].operands.empty() ? 0 : lines_[i].operands[0].number();
        lines_.erase(lines_.begin() + static_cast<std::ptrdiff_t>(i));
        for_each_use([&](Id id) { return id == gone ? instead : id > gone ? id - 1 : id; });
    }

    void change_output() {
        std::vector<Id>& outputs = program_.outputs;
        const Id id = any_operand(lines_.size());
        if (outputs.size() > 1 && below(3) == 0)
            outputs.pop_back();
        else if (outputs.empty() || below(3) == 0)
            outputs.push_back(id);
        else
            outputs[below(outputs.size())] = id;
    }

    Program program_;
    std::vector<Line> lines_;
    std::minstd_rand random_;
};

std::optional<Program> program_of(const std::uint8_t* data, std::size_t size) {
    try {
        return from_bytes(reinterpret_cast<const char*>(data), size);
    } catch (const std::invalid_argument&) {
        return std::nullopt;
    }
}

// The bytes' new size; 0 if there is no room for them.
std::size_t store(const std::string& bytes, std::uint8_t* data, std::size_t most) {
    if (bytes.size() > most) return 0;
    std::memcpy(data, bytes.data(), bytes.size());
    return bytes.size();
}

// Any change of the bytes, with the checksum that they then have.
std::size_t change_bytes(std::uint8_t* data, std::size_t size, std::size_t most) {
    if (size < checksum_size || most < checksum_size) return LLVMFuzzerMutate(data, size, most);
    size = LLVMFuzzerMutate(data, size - checksum_size, most - checksum_size);
    std::string bytes(reinterpret_cast<const char*>(data), size);
    append_bytes(bytes, checksum(bytes), checksum_size);
    return store(bytes, data, most);
}

}  // namespace

}  // namespace megagrad::test

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t most, unsigned seed) {
    using namespace megagrad::test;
    std::minstd_rand random(seed);
    const auto way = random() % 16;
    if (way == 0) return LLVMFuzzerMutate(data, size, most);
    const auto program = way < 4 ? std::nullopt : program_of(data, size);
    if (!program) return change_bytes(data, size, most);
    Sketch sketch(*program, static_cast<std::uint32_t>(random()));
    for (auto changes = 1 + random() % 4; changes > 0; --changes) sketch.change();
    const std::size_t stored = store(sketch.bytes(), data, most);
    return stored > 0 ? stored : change_bytes(data, size, most);
}

extern "C" std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* first, std::size_t first_size,
                                                 const std::uint8_t* second,
                                                 std::size_t second_size, std::uint8_t* out,
                                                 std::size_t most, unsigned seed) {
    using namespace megagrad::test;
    const auto a = program_of(first, first_size), b = program_of(second, second_size);
    if (!a || !b) return 0;
    Sketch sketch(*a, seed);
    sketch.append(*b);
    return store(sketch.bytes(), out, most);
}
