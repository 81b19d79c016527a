// What the op table expands to: the enum `Op`, each op's description, and its
// formulas as templates over the number type.
#pragma once

#include <array>
#include <cstdint>

#include "numeric.hpp"
#include "op_table.hpp"

namespace megagrad {

#define MEGAGRAD_FIRST_OF_ROW(name, ...) name,

enum class Op : std::uint8_t {
    leaf,    // a number that a graph starts from
    custom,  // made by the user: its chain rule is local gradients or a closure
    MEGAGRAD_INFIX(MEGAGRAD_FIRST_OF_ROW)       //
    MEGAGRAD_BINARY(MEGAGRAD_FIRST_OF_ROW)      //
    MEGAGRAD_UNARY(MEGAGRAD_FIRST_OF_ROW)       //
    MEGAGRAD_PARAMETRIC(MEGAGRAD_FIRST_OF_ROW)  //
};

#undef MEGAGRAD_FIRST_OF_ROW

// The formulas: formula::exp::forward(x), formula::exp::dx(x, y, z).
namespace formula {

using megagrad::maximum, megagrad::minimum, megagrad::sigmoid, megagrad::softplus;
using std::acos, std::asin, std::atan, std::cbrt, std::cos, std::cosh, std::erf, std::exp,
    std::expm1, std::fabs, std::log, std::log1p, std::pow, std::sin, std::sinh, std::sqrt, std::tan,
    std::tanh;

#define MEGAGRAD_FORMULAS(name, forward_, dx_, dy_)                                     \
    struct name##_ {                                                                    \
        template <class T>                                                              \
        static T forward([[maybe_unused]] T x, [[maybe_unused]] T y) {                  \
            return forward_;                                                            \
        }                                                                               \
        template <class T>                                                              \
        static T dx([[maybe_unused]] T x, [[maybe_unused]] T y, [[maybe_unused]] T z) { \
            return dx_;                                                                 \
        }                                                                               \
        template <class T>                                                              \
        static T dy([[maybe_unused]] T x, [[maybe_unused]] T y, [[maybe_unused]] T z) { \
            return dy_;                                                                 \
        }                                                                               \
    };
#define MEGAGRAD_TWO_OPERANDS(name, label, forward, dx, dy, needs, domain, doc) \
    MEGAGRAD_FORMULAS(name, forward, dx, dy)
#define MEGAGRAD_ONE_OPERAND(name, label, forward, dx, needs, domain, doc) \
    MEGAGRAD_FORMULAS(name, forward, dx, T(0))
#define MEGAGRAD_ONE_AND_PARAMETER(name, label, parameter, default_, forward, dx, needs, domain, \
                                   doc)                                                          \
    MEGAGRAD_FORMULAS(name, forward, dx, T(0))

MEGAGRAD_INFIX(MEGAGRAD_TWO_OPERANDS)
MEGAGRAD_BINARY(MEGAGRAD_TWO_OPERANDS)
MEGAGRAD_UNARY(MEGAGRAD_ONE_OPERAND)
MEGAGRAD_PARAMETRIC(MEGAGRAD_ONE_AND_PARAMETER)

#undef MEGAGRAD_TWO_OPERANDS
#undef MEGAGRAD_ONE_OPERAND
#undef MEGAGRAD_ONE_AND_PARAMETER
#undef MEGAGRAD_FORMULAS

}  // namespace formula

enum class Kind : std::uint8_t { structural, infix, binary, unary, parametric };

// One row of the table as data.
struct OpInfo {
    const char* name;
    const char* label;
    Kind kind;
    const char* parameter;
    double default_parameter;
    const char* forward;
    const char* dx;
    const char* dy;
    const char* needs;
    const char* domain;
    const char* doc;
};

#define MEGAGRAD_INFIX_ROW(name, label, forward, dx, dy, needs, domain, doc) \
    OpInfo{#name, label, Kind::infix, "", 0, #forward, #dx, #dy, needs, domain, doc},
#define MEGAGRAD_BINARY_ROW(name, label, forward, dx, dy, needs, domain, doc) \
    OpInfo{#name, label, Kind::binary, "", 0, #forward, #dx, #dy, needs, domain, doc},
#define MEGAGRAD_UNARY_ROW(name, label, forward, dx, needs, domain, doc) \
    OpInfo{#name, label, Kind::unary, "", 0, #forward, #dx, "", needs, domain, doc},
#define MEGAGRAD_PARAMETRIC_ROW(name, label, parameter, default_, forward, dx, needs, domain, doc) \
    OpInfo{#name, label, Kind::parametric, #parameter, default_, #forward, #dx,                    \
           "",    needs, domain,           doc},

inline constexpr std::array op_infos{
    OpInfo{"leaf", "", Kind::structural, "", 0, "", "", "", "", "", ""},
    OpInfo{"custom", "", Kind::structural, "", 0, "", "", "", "", "", ""},
    MEGAGRAD_INFIX(MEGAGRAD_INFIX_ROW) MEGAGRAD_BINARY(MEGAGRAD_BINARY_ROW)
        MEGAGRAD_UNARY(MEGAGRAD_UNARY_ROW) MEGAGRAD_PARAMETRIC(MEGAGRAD_PARAMETRIC_ROW)};

#undef MEGAGRAD_INFIX_ROW
#undef MEGAGRAD_BINARY_ROW
#undef MEGAGRAD_UNARY_ROW
#undef MEGAGRAD_PARAMETRIC_ROW

inline const OpInfo& info(Op op) { return op_infos[static_cast<std::size_t>(op)]; }

inline bool has_two_operands(Op op) {
    return info(op).kind == Kind::infix || info(op).kind == Kind::binary;
}

}  // namespace megagrad
