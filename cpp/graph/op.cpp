#include "graph/op.hpp"

#include <cctype>

namespace megagrad {

double evaluate(Op op, double x, double y) {
    return with_formulas(
        op, [&](auto formulas) { return formulas.forward(x, y); }, [&] { return x; });
}

std::string readable(std::string_view formula) {
    std::string result;
    for (std::size_t i = 0; i < formula.size(); ++i) {
        const bool in_a_name = i > 0 && std::isalnum(static_cast<unsigned char>(formula[i - 1]));
        if (in_a_name || formula.substr(i, 2) != "T(") {
            result += formula[i];
            continue;
        }
        const std::size_t end = formula.find(')', i);
        result += formula.substr(i + 2, end - i - 2);
        i = end;
    }
    return result;
}

}  // namespace megagrad
