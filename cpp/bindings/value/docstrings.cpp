// The docstrings of the op table's methods, composed from its entries.
#include <cmath>
#include <deque>
#include <limits>
#include <string>

#include "bindings/value/value.hpp"
#include "graph/backward.hpp"

namespace megagrad::python {

namespace {

// Whether a finite operand can give a result that is too large for a float.
bool can_overflow(const OpInfo& entry, Op op) {
    constexpr double largest = std::numeric_limits<double>::max();
    return std::isinf(evaluate(op, largest, entry.default_parameter)) ||
           std::isinf(evaluate(op, -largest, entry.default_parameter));
}

// CPython takes the signature out of the first line.
std::string signature(const OpInfo& entry) {
    std::string arguments = "$self, /";
    if (entry.kind == Kind::binary) arguments = "$self, other, /";
    if (entry.kind == Kind::parametric)
        arguments +=
            ", " + std::string(entry.parameter) + "=" + number_text(entry.default_parameter);
    return entry.name + ("(" + arguments + ")\n--\n\n");
}

std::string derivative(const OpInfo& entry) {
    const std::string dx = readable(entry.dx.formula), dy = readable(entry.dy.formula);
    if (entry.kind == Kind::binary)
        return "The derivative by x is " + dx + ",\nby y " + dy + " (x: this Value, y: other).\n\n";
    std::string text = "The derivative is " + dx + " (x: this Value, z: the result";
    if (entry.kind == Kind::parametric) text += std::string(", y: ") + entry.parameter;
    return text + ").\n\n";
}

std::string errors(const OpInfo& entry, Op op) {
    std::string text;
    if (entry.kind == Kind::binary)
        text = "other: a Value or a real number. Raises TypeError for anything else.\n";
    if (entry.kind == Kind::parametric)
        text = std::string(entry.parameter) +
               ": a real number. Raises TypeError for anything else, ValueError\n"
               "where the result is undefined.\n";
    if (*entry.needs != '\0')
        text += std::string("Needs ") + entry.needs + ", else raises ValueError.\n";
    if (can_overflow(entry, op))
        text += "Raises OverflowError if the result is too large for a float.\n";
    return text;
}

}  // namespace

std::string number_text(double number) {
    char* digits = PyOS_double_to_string(number, 'r', 0, Py_DTSF_ADD_DOT_0, nullptr);
    if (digits == nullptr) throw std::bad_alloc();
    std::string text = digits;
    PyMem_Free(digits);
    return text;
}

const char* documentation(Op op) {
    static std::deque<std::string> kept;  // method tables refer to them for ever
    const OpInfo& entry = info(op);
    std::string text =
        signature(entry) + entry.doc + "\n\n" + derivative(entry) + errors(entry, op);
    text.erase(text.find_last_not_of('\n') + 1);
    return kept.emplace_back(std::move(text)).c_str();
}

}  // namespace megagrad::python
