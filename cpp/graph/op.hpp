// What the op table expands to: the enum `Op`, each op's description, and its
// formulas as templates over the number type.
#pragma once

#include <array>
#include <cctype>
#include <cstdint>
#include <string>
#include <string_view>

#include "graph/formulas.hpp"
#include "graph/op_table.hpp"

namespace megagrad {

#define MEGAGRAD_FIRST_OF_ROW(name, ...) name,

enum class Op : std::uint8_t {
    leaf,      // a number that a graph starts from
    custom,    // made by the user: its chain rule is local gradients or a closure
    operands,  // not a number: many operands in a row, see operands.hpp
    dot,       // a sum of products, see bulk.hpp
    sum,       // a sum of many terms, the same
    MEGAGRAD_INFIX(MEGAGRAD_FIRST_OF_ROW)       //
    MEGAGRAD_BINARY(MEGAGRAD_FIRST_OF_ROW)      //
    MEGAGRAD_UNARY(MEGAGRAD_FIRST_OF_ROW)       //
    MEGAGRAD_PARAMETRIC(MEGAGRAD_FIRST_OF_ROW)  //
};

#undef MEGAGRAD_FIRST_OF_ROW

// A neuron is one node, too: a table op on the value of a dot. It is that op with one bit more.
inline constexpr std::uint8_t on_dot_bit = 128;
inline bool is_on_dot(Op op) { return (static_cast<std::uint8_t>(op) & on_dot_bit) != 0; }
inline Op on_dot(Op op) { return static_cast<Op>(static_cast<std::uint8_t>(op) | on_dot_bit); }
inline Op without_dot(Op op) {
    return static_cast<Op>(static_cast<std::uint8_t>(op) & ~on_dot_bit);
}

// Stands for a loop over + and *, which it unfolds into when someone looks.
inline bool is_bulk(Op op) { return op == Op::dot || op == Op::sum || is_on_dot(op); }

enum class Kind : std::uint8_t { structural, infix, binary, unary, parametric };

// The formulas: formula::exp_::forward(x, y), formula::exp_::dx(x, y, z).
namespace formula {

using namespace std;  // a row may call whatever <cmath> has

#define MEGAGRAD_FORMULAS(name, kind_, forward_, dx_, dy_)                              \
    struct name##_ {                                                                    \
        static constexpr Kind kind = kind_;                                             \
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
#define MEGAGRAD_INFIX_ROW(name, label, forward, dx, dy, needs, domain, doc) \
    MEGAGRAD_FORMULAS(name, Kind::infix, forward, dx, dy)
#define MEGAGRAD_BINARY_ROW(name, label, forward, dx, dy, needs, domain, doc) \
    MEGAGRAD_FORMULAS(name, Kind::binary, forward, dx, dy)
#define MEGAGRAD_UNARY_ROW(name, label, forward, dx, needs, domain, doc) \
    MEGAGRAD_FORMULAS(name, Kind::unary, forward, dx, T(0))
#define MEGAGRAD_PARAMETRIC_ROW(name, label, parameter, default_, forward, dx, needs, domain, doc) \
    MEGAGRAD_FORMULAS(name, Kind::parametric, forward, dx, T(0))

MEGAGRAD_INFIX(MEGAGRAD_INFIX_ROW)
MEGAGRAD_BINARY(MEGAGRAD_BINARY_ROW)
MEGAGRAD_UNARY(MEGAGRAD_UNARY_ROW)
MEGAGRAD_PARAMETRIC(MEGAGRAD_PARAMETRIC_ROW)

#undef MEGAGRAD_INFIX_ROW
#undef MEGAGRAD_BINARY_ROW
#undef MEGAGRAD_UNARY_ROW
#undef MEGAGRAD_PARAMETRIC_ROW
#undef MEGAGRAD_FORMULAS

}  // namespace formula

// Calls visit(formulas) with the formulas of a table op; otherwise() for leaves and custom ops.
template <class Visit, class Otherwise>
inline auto with_formulas(Op op, Visit visit, Otherwise otherwise) {
    switch (op) {
#define MEGAGRAD_CASE(name, ...) \
    case Op::name:               \
        return visit(formula::name##_{});
        MEGAGRAD_INFIX(MEGAGRAD_CASE)
        MEGAGRAD_BINARY(MEGAGRAD_CASE)
        MEGAGRAD_UNARY(MEGAGRAD_CASE)
        MEGAGRAD_PARAMETRIC(MEGAGRAD_CASE)
#undef MEGAGRAD_CASE
        default:
            return otherwise();
    }
}

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
    OpInfo{"operands", "", Kind::structural, "", 0, "", "", "", "", "", ""},
    OpInfo{"dot", "+", Kind::structural, "", 0, "", "", "", "", "", ""},
    OpInfo{"sum", "+", Kind::structural, "", 0, "", "", "", "", "", ""},
    MEGAGRAD_INFIX(MEGAGRAD_INFIX_ROW) MEGAGRAD_BINARY(MEGAGRAD_BINARY_ROW)
        MEGAGRAD_UNARY(MEGAGRAD_UNARY_ROW) MEGAGRAD_PARAMETRIC(MEGAGRAD_PARAMETRIC_ROW)};

#undef MEGAGRAD_INFIX_ROW
#undef MEGAGRAD_BINARY_ROW
#undef MEGAGRAD_UNARY_ROW
#undef MEGAGRAD_PARAMETRIC_ROW

static_assert(op_infos.size() <= on_dot_bit);

inline const OpInfo& info(Op op) { return op_infos[static_cast<std::size_t>(op)]; }

inline bool has_two_operands(const OpInfo& row) {
    return row.kind == Kind::infix || row.kind == Kind::binary;
}
inline bool has_two_operands(Op op) { return has_two_operands(info(op)); }

// A formula as a reader would write it: `1 / x`, where the table has `T(1) / x`.
inline std::string readable(std::string_view formula) {
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
