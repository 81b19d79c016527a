#include "program/program.hpp"

#include <stdexcept>

namespace megagrad {

namespace {

[[noreturn]] void refuse(const std::string& what) {
    throw std::invalid_argument("no valid program: " + what);
}

bool has_right_count(const Instruction& instruction) {
    if (instruction.op == Op::dot) return instruction.count >= 3 && instruction.count % 2 == 1;
    return instruction.count == (info(instruction.op).kind == Kind::unary ? 1u : 2u);
}

bool is_op(Op op) {
    return op == Op::dot ||
           (static_cast<std::size_t>(op) < op_infos.size() && info(op).kind != Kind::structural);
}

// The first factor of a product may have a sign.
bool may_be_subtracted(const Instruction& instruction, std::uint32_t operand) {
    return instruction.op == Op::dot && operand % 2 == 1;
}

void check(const Program& program, std::size_t i) {
    const Instruction& instruction = program.instructions[i];
    const std::string name = "instruction " + std::to_string(i);
    if (!is_op(instruction.op)) refuse(name + " has an unknown op");
    if (!has_right_count(instruction))
        refuse(name + " has " + std::to_string(instruction.count) + " operands");
    if (instruction.first > program.operands.size() ||
        instruction.count > program.operands.size() - instruction.first)
        refuse(name + " has operands out of range");
    const Use* operands = program.operands_of(instruction);
    const std::size_t known = program.first_result() + i;
    for (std::uint32_t k = 0; k < instruction.count; ++k) {
        const bool has_sign = operands[k].is_subtracted() && !may_be_subtracted(instruction, k);
        if (has_sign || operands[k].number() >= known)
            refuse(name + " uses a value that comes after it");
    }
    if (info(instruction.op).kind == Kind::parametric && !program.is_constant(operands[1].number()))
        refuse(name + " needs a constant as its parameter");
}

}  // namespace

void validate(const Program& program) {
    const std::size_t values = std::size_t{program.inputs} + program.parameters +
                               program.constants.size() + program.instructions.size();
    if (values > largest_program) refuse("it has " + std::to_string(values) + " values");
    for (std::size_t i = 0; i < program.instructions.size(); ++i) check(program, i);
    for (const Id output : program.outputs)
        if (output >= values) refuse("an output is none of its values");
}

std::vector<bool> varying_values(const Program& program) {
    std::vector<bool> varying(program.values());
    for (Id input = 0; input < program.inputs; ++input) varying[input] = true;
    Id id = program.first_result();
    for (const Instruction& instruction : program.instructions) {
        const Use* operands = program.operands_of(instruction);
        bool any = false;
        for (std::uint32_t k = 0; k < instruction.count; ++k) any |= varying[operands[k].number()];
        varying[id++] = any;
    }
    return varying;
}

}  // namespace megagrad
