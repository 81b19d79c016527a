// A recorded program: the graph between inputs and outputs as a list of instructions, each of them
// using results that come before it. What a `Function` is made of, saves and prints.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "graph/op.hpp"
#include "platform/array.hpp"
#include "platform/marked_number.hpp"

namespace megagrad {

// The number of a value: first the inputs, then the parameters, the constants, and the results of
// the instructions.
using Id = std::uint32_t;

inline constexpr Id largest_program = MarkedNumber::limit - 1;  // how many values there may be

// A value as an operand. The operands of a dot are what the sum starts from, then the factors of
// each product, which is subtracted if its first factor says so.
struct Use : MarkedNumber {
    constexpr Use(Id id, bool is_subtracted = false) : MarkedNumber(id, is_subtracted) {}
    bool is_subtracted() const { return is_marked(); }
};

struct Instruction {
    Op op;
    std::uint32_t count;  // of its operands
    std::size_t first;    // of them, in Program::operands
};

// How many scalar operations were recorded, and what became of them.
struct Counts {
    std::uint64_t recorded = 0;  // * and + of a bulk operation counted one by one
    std::uint64_t folded = 0;    // computed at once, from constants alone
    std::uint64_t merged = 0;    // equal to one before
    std::uint64_t dropped = 0;   // not needed by any output
    std::uint64_t fused = 0;     // part of a dot
};

struct Program {
    Id inputs = 0;
    Id parameters = 0;
    Array<double> constants;
    Array<Instruction> instructions;
    Array<Use> operands;
    std::vector<Id> outputs;
    bool contract = true;  // whether a product and a sum may be rounded once
    Counts counts;

    Id first_constant() const { return inputs + parameters; }
    Id first_result() const { return first_constant() + static_cast<Id>(constants.size()); }
    Id values() const { return first_result() + static_cast<Id>(instructions.size()); }
    bool is_constant(Id id) const { return id >= first_constant() && id < first_result(); }
    bool is_constant(Id id, double number) const {
        return is_constant(id) && constants[id - first_constant()] == number;
    }
    const Use* operands_of(const Instruction& instruction) const {
        return operands.data() + instruction.first;
    }
};

// Throws std::invalid_argument that says what is wrong, unless every instruction has operands as
// its op needs them, all of them from before.
void validate(const Program& program);

// Of each value, whether it depends on an input.
std::vector<bool> varying_values(const Program& program);

// A listing for readers, one line an instruction.
std::string listing(const Program& program);

// The program as bytes, without parameters' data, and back. from_bytes throws
// std::invalid_argument if they are no program.
std::string to_bytes(const Program& program);
Program from_bytes(const char* bytes, std::size_t size);

}  // namespace megagrad
