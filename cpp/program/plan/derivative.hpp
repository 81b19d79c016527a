// What running an op backward needs, read off its formulas.
#pragma once

#include <string_view>
#include <vector>

#include "graph/op.hpp"

namespace megagrad {

inline bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

inline bool mentions(std::string_view formula, char variable) {
    for (std::size_t i = 0; i < formula.size(); ++i)
        if (formula[i] == variable && (i == 0 || !is_name_character(formula[i - 1])) &&
            (i + 1 == formula.size() || !is_name_character(formula[i + 1])))
            return true;
    return false;
}

struct Derivative {
    bool is_zero, uses_x, uses_y, uses_z;

    explicit Derivative(std::string_view formula)
        : is_zero(formula.empty() || formula == "T(0)"),
          uses_x(mentions(formula, 'x')),
          uses_y(mentions(formula, 'y')),
          uses_z(mentions(formula, 'z')) {}
};

struct Derivatives {
    Derivative dx, dy;
};

inline const Derivatives& derivatives(Op op) {
    static const std::vector<Derivatives> all = [] {
        std::vector<Derivatives> rows;
        for (const OpInfo& row : op_infos) rows.push_back({Derivative(row.dx), Derivative(row.dy)});
        return rows;
    }();
    return all[static_cast<std::size_t>(op)];
}

}  // namespace megagrad
