// Programs as text.
#include <clocale>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "program/program.hpp"

namespace megagrad {

namespace {

// The fewest digits that give the number back; some powers of two get one more. The same on every
// system and in every locale: std::to_chars would be, but macOS has it since 13.3 only.
std::string text(double number) {
    if (std::isnan(number)) return "nan";
    char digits[40];
    for (int count = std::isnormal(number) ? 15 : 1; count <= 17; ++count) {
        std::snprintf(digits, sizeof digits, "%.*g", count, number);
        if (std::strtod(digits, nullptr) == number) break;
    }
    const std::string result = digits, point = std::localeconv()->decimal_point;
    const std::size_t at = result.find(point);
    if (at == result.npos) return result;
    return result.substr(0, at) + '.' + result.substr(at + point.size());
}

std::string numbered(char letter, Id number) {
    std::string name(1, letter);
    return name += std::to_string(number);
}

std::string counted(std::uint64_t count, const std::string& noun) {
    return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

class Listing {
public:
    explicit Listing(const Program& program)
        : program_(program), varying_(varying_values(program)) {}

    std::string all() {
        head();
        section(false, "once a call:");
        section(true, "for every point:");
        result_ += "outputs:";
        for (const Id output : program_.outputs) (result_ += ' ') += name(output);
        return result_;
    }

private:
    void head() {
        const Counts& counts = program_.counts;
        result_ += "Function of " + counted(program_.inputs, "input") + " (x) and " +
                   counted(program_.parameters, "parameter") + " (p), " +
                   counted(program_.outputs.size(), "output") + "\n" +
                   counted(counts.recorded, "operation") + " recorded, " +
                   std::to_string(counts.folded) + " folded, " + std::to_string(counts.merged) +
                   " merged, " + std::to_string(counts.dropped) + " dropped, " +
                   std::to_string(counts.fused) +
                   " fused: " + counted(program_.instructions.size(), "instruction") + "\n";
    }

    void section(bool varying, const char* title) {
        bool is_empty = true;
        for (std::size_t i = 0; i < program_.instructions.size(); ++i) {
            const Id id = program_.first_result() + static_cast<Id>(i);
            if (varying_[id] != varying) continue;
            if (std::exchange(is_empty, false)) (result_ += title) += "\n";
            ((result_ += "  ") += name(id) + " = ") += expression(program_.instructions[i]) + "\n";
        }
    }

    std::string name(Id id) const {
        if (id < program_.inputs) return numbered('x', id);
        if (id < program_.first_constant()) return numbered('p', id - program_.inputs);
        if (id < program_.first_result())
            return text(program_.constants[id - program_.first_constant()]);
        return numbered('t', id - program_.first_result());
    }

    std::string expression(const Instruction& instruction) const {
        if (instruction.op == Op::dot) return sum(instruction);
        const Use* operands = program_.operands_of(instruction);
        const OpInfo& entry = info(instruction.op);
        const std::string x = name(operands[0].number());
        const std::string y = instruction.count > 1 ? name(operands[1].number()) : "";
        if (entry.kind == Kind::infix) return x + " " + entry.label + " " + y;
        if (instruction.op == Op::neg) return std::string("-").append(x);
        return std::string(entry.name) + "(" + x + (y.empty() ? "" : ", " + y) + ")";
    }

    // As long as lines can be read.
    std::string sum(const Instruction& dot) const {
        constexpr std::uint32_t shown = 4;
        const Use* operands = program_.operands_of(dot);
        const std::uint32_t products = dot.count / 2;
        const Id start = operands[0].number();
        std::string result = program_.is_constant(start, 0) ? "" : name(start);
        for (std::uint32_t i = 0; i < products; ++i) {
            if (products > 2 * shown && i == shown) {
                i = products - 1;
                result += " + ...";
            }
            const Use a = operands[1 + 2 * i], b = operands[2 + 2 * i];
            const bool minus = a.is_subtracted();
            if (!result.empty()) result += minus ? " - " : " + ";
            if (result.empty() && minus) result += "-";
            if (!program_.is_constant(a.number(), 1)) result += name(a.number()) + "*";
            result += name(b.number());
        }
        if (products > 2 * shown) result += "  (" + counted(products, "product") + ")";
        return result;
    }

    const Program& program_;
    const std::vector<bool> varying_;
    std::string result_;
};

}  // namespace

std::string listing(const Program& program) { return Listing(program).all(); }

}  // namespace megagrad
