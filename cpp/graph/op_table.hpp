// The table of ops: the one place where an op is defined. Everything else that
// knows the ops (the enum, forward and backward, the Python methods and their
// docstrings, the stub, the README's table, the tests) is expanded from it.
//
// What a formula may use:
//     x, y   the operands' values, read when the formula is used: a derivative follows them if
//            they were changed meanwhile (y: the parameter of a PARAMETRIC entry)
//     z      the op's result, as it was computed; in a derivative where that is what programs
//            written for micrograd expect, and saves a function
//     T      the number type, for constants:  T(1) / x
//     functions of <cmath> and functions.hpp
//
// What an entry says:
//     name     the enumerator, and the method's name in Python
//     label    what `_op` shows
//     forward  the value
//     dx, dy   the partial derivatives with respect to x and to y; at a kink, PyTorch's choice
//     needs    what the operands must satisfy, as an error message says it; a NaN or a pole
//              outside of it raises ValueError. "" if every number will do.
//     domain   intervals that the tests draw x (and y) from
//     doc      one line
#pragma once

// clang-format off

// Bulk ops: one node for a loop over + and *, see bundle.hpp.
#define MEGAGRAD_BULK(ENTRY) \
    ENTRY(dot, "+") \
    ENTRY(sum, "+")

// Arithmetic with a symbol of its own: a slot of the Python type, not a method.
//         name     label forward  dx                                            dy                                                    needs   domain        doc
#define MEGAGRAD_INFIX(ENTRY) \
    ENTRY(add,     "+",  x + y,     T(1),                                         T(1),                                                 "",     "-3:3 -3:3",  "The sum x + y.") \
    ENTRY(sub,     "-",  x - y,     T(1),                                         T(-1),                                                "",     "-3:3 -3:3",  "The difference x - y.") \
    ENTRY(mul,     "*",  x * y,     y,                                            x,                                                    "",     "-3:3 -3:3",  "The product x * y.") \
    ENTRY(div,     "/",  x / y,     T(1) / y,                                     -(x / y) / y,                                         "",     "-3:3 0.5:3", "The quotient x / y.") \
    ENTRY(pow,     "**", pow(x, y), where(y == T(0), share(y, T(1) / x), share(y, pow(x, y - T(1)))), where(x == T(0) && y >= T(0), T(0), pow(x, y) * log(x)),  "x >= 0, or a whole y", "0.5:3 -3:3", "x raised to the power y.")

//         name     label      forward        dx                                             dy                                             needs domain     doc
#define MEGAGRAD_BINARY(ENTRY) \
    ENTRY(maximum, "maximum", maximum(x, y), where(x < y, T(0), where(x == y, T(0.5), T(1))), where(y < x, T(0), where(x == y, T(0.5), T(1))), "", "-3:3 -3:3", "The larger of x and y; equal ones share the gradient.") \
    ENTRY(minimum, "minimum", minimum(x, y), where(x > y, T(0), where(x == y, T(0.5), T(1))), where(y > x, T(0), where(x == y, T(0.5), T(1))), "", "-3:3 -3:3", "The smaller of x and y; equal ones share the gradient.") \
    ENTRY(less,          "<",  where(x < y, T(1), T(0)),  T(0), T(0), "", "-3:3 -3:3", "1 where x < y, else 0; without a gradient, for where().") \
    ENTRY(less_equal,    "<=", where(x <= y, T(1), T(0)), T(0), T(0), "", "-3:3 -3:3", "1 where x <= y, else 0; without a gradient, for where().") \
    ENTRY(greater,       ">",  where(x > y, T(1), T(0)),  T(0), T(0), "", "-3:3 -3:3", "1 where x > y, else 0; without a gradient, for where().") \
    ENTRY(greater_equal, ">=", where(x >= y, T(1), T(0)), T(0), T(0), "", "-3:3 -3:3", "1 where x >= y, else 0; without a gradient, for where().") \
    ENTRY(when,   "when",   where(y == T(0), T(-0.0), x), where(y == T(0), T(0), T(1)), T(0), "", "-3:3 -3:3", "x unless y is 0; then -0.0, which adds nothing. Half of where().") \
    ENTRY(unless, "unless", where(y == T(0), x, T(-0.0)), where(y == T(0), T(1), T(0)), T(0), "", "-3:3 -3:3", "x if y is 0; else -0.0, which adds nothing. The other half.") \
    ENTRY(shifted, "shifted", shifted(x, y), T(1), T(0), "", "-3:3 -3:3", "x - y, and 0 if they are equal, infinities too; y counts as a number, without a gradient.")

//         name     label      forward      dx                                    needs             domain       doc
#define MEGAGRAD_UNARY(ENTRY) \
    ENTRY(neg,        "neg",     -x,          T(-1),                                "",               "-3:3",      "The negative -x.") \
    ENTRY(abs,        "abs",     fabs(x),     sign(x),                              "",               "-3:3",      "The absolute value |x|.") \
    ENTRY(exp,        "exp",     exp(x),      z,                                    "",               "-3:3",      "e to the power x.") \
    ENTRY(expm1,      "expm1",   expm1(x),    exp(x),                               "",               "-3:3",      "e^x - 1, accurate near 0.") \
    ENTRY(log,        "log",     log(x),      T(1) / x,                             "x > 0",          "0.1:5",     "The natural logarithm.") \
    ENTRY(log1p,      "log1p",   log1p(x),    T(1) / (T(1) + x),                    "x > -1",         "-0.9:5",    "log(1 + x), accurate near 0.") \
    ENTRY(sqrt,       "sqrt",    sqrt(x),     T(0.5) / sqrt(x),                     "x >= 0",         "0.1:5",     "The square root.") \
    ENTRY(cbrt,       "cbrt",    cbrt(x),     T(1) / (T(3) * cbrt(x) * cbrt(x)),    "",               "0.1:5",     "The cube root.") \
    ENTRY(sin,        "sin",     sin(x),      cos(x),                               "a finite x",     "-3:3",      "The sine of x radians.") \
    ENTRY(cos,        "cos",     cos(x),      -sin(x),                              "a finite x",     "-3:3",      "The cosine of x radians.") \
    ENTRY(tan,        "tan",     tan(x),      T(1) + tan(x) * tan(x),               "a finite x",     "-1.4:1.4",  "The tangent of x radians.") \
    ENTRY(arcsin,     "arcsin",  asin(x),     T(1) / sqrt(one_minus_square(x)),     "-1 <= x <= 1",   "-0.9:0.9",  "The inverse sine, in radians.") \
    ENTRY(arccos,     "arccos",  acos(x),     T(-1) / sqrt(one_minus_square(x)),    "-1 <= x <= 1",   "-0.9:0.9",  "The inverse cosine, in radians.") \
    ENTRY(arctan,     "arctan",  atan(x),     T(1) / (T(1) + x * x),                "",               "-3:3",      "The inverse tangent, in radians.") \
    ENTRY(sinh,       "sinh",    sinh(x),     cosh(x),                              "",               "-3:3",      "The hyperbolic sine.") \
    ENTRY(cosh,       "cosh",    cosh(x),     sinh(x),                              "",               "-3:3",      "The hyperbolic cosine.") \
    ENTRY(tanh,       "tanh",    tanh(x),     T(1) - z * z,                         "",               "-3:3",      "The hyperbolic tangent.") \
    ENTRY(erf,        "erf",     erf(x),      T(1.12837916709551257390) * exp_of_minus_square(x), "", "-3:3",      "The error function.") \
    ENTRY(sigmoid,    "sigmoid", sigmoid(x),  sigmoid_slope(x),                     "",               "-3:3",      "The logistic function 1 / (1 + e^-x).") \
    ENTRY(relu,       "ReLU",    where(x < T(0), T(0), x), where(z > T(0), T(1), T(0)), "",           "-3:3",      "x where positive, else 0.") \
    ENTRY(softplus,   "softplus", softplus(x), sigmoid(x),                          "",               "-3:3",      "log(1 + e^x), a smooth relu.") \
    ENTRY(silu,       "silu",    x * sigmoid(x), sigmoid(x) * (T(1) + share(sigmoid(-x), x)), "x > -inf",   "-3:3",      "x times sigmoid(x), also called swish.") \
    ENTRY(gelu,       "gelu",    x * normal_cdf(x), normal_cdf(x) + share(normal_pdf(x), x), "x > -inf",    "-3:3",      "x times the normal distribution function, exact (by erf).") \
    ENTRY(detach,     "detach",  detach(x),   T(0),                                 "",               "-3:3",      "x as a number, without a gradient.")

// Unary ops with a plain number y beside x: no operand, so it has no derivative.
//         name        label         y               default forward                         dx                                  needs domain           doc
#define MEGAGRAD_PARAMETRIC(ENTRY) \
    ENTRY(leaky_relu,    "leaky_relu", negative_slope, 0.01,   where(x > T(0), x, y * x),      where(x > T(0), T(1), y),           "",   "-3:3 0.01:0.3", "x where positive, else negative_slope * x.") \
    ENTRY(elu,           "elu",        alpha,          1.0,    where(x > T(0), x, y * expm1(x)), where(x > T(0), T(1), y * exp(x)), "",  "-3:3 0.5:1.5",  "x where positive, else alpha * (e^x - 1).")

// clang-format on
