// The vector functions against the C library's on long double, and one lane against many.
#include <algorithm>
#include <cfloat>
#include <cstring>
#include <limits>
#include <random>
#include <string>

#include "check.hpp"
#include "vector_math.hpp"

namespace megagrad::test {

namespace {

using MEGAGRAD_ISA::Lane;
using MEGAGRAD_ISA::Lanes;

// Where long double is no wider than double, what we compare with is rounded, too.
constexpr double most_ulps = LDBL_MANT_DIG > DBL_MANT_DIG ? 2 : 3;

struct Function {
    std::string name;
    double low, high;  // where most of the points are
    Lane (*lane)(Lane);
    Lanes (*lanes)(Lanes);
    long double (*exact)(long double);
};

#define FUNCTION(name, low, high)     \
    {#name,                           \
     low,                             \
     high,                            \
     [](Lane x) { return name(x); },  \
     [](Lanes x) { return name(x); }, \
     [](long double x) { return std::name(x); }}

const Function functions[] = {
    FUNCTION(exp, -3, 3),      FUNCTION(exp, -750, 712),  FUNCTION(expm1, -2, 2),
    FUNCTION(expm1, -60, 712), FUNCTION(log, 0.1, 5),     FUNCTION(log1p, -1, 5),
    FUNCTION(cbrt, -9, 9),     FUNCTION(sin, -9, 9),      FUNCTION(sin, -2e6, 2e6),
    FUNCTION(cos, -9, 9),      FUNCTION(cos, -2e6, 2e6),  FUNCTION(tan, -9, 9),
    FUNCTION(tan, -2e6, 2e6),  FUNCTION(asin, -1, 1),     FUNCTION(acos, -1, 1),
    FUNCTION(atan, -5, 5),     FUNCTION(sinh, -3, 3),     FUNCTION(sinh, -712, 712),
    FUNCTION(cosh, -3, 3),     FUNCTION(cosh, -712, 712), FUNCTION(tanh, -3, 3),
    FUNCTION(tanh, -25, 25),   FUNCTION(erf, -7, 7),      FUNCTION(erfc, -2, 7),
    FUNCTION(erfc, -7, 28)};

// Numbers at which something changes, here or in the functions themselves.
const double edges[] = {0,       DBL_TRUE_MIN,
                        DBL_MIN, 0x1p-60,
                        0x1p-27, 0.4375,
                        0.5,     1,
                        1.5,     2,
                        3,       20,
                        36,      37,
                        708,     709.79,
                        710,     710.5,
                        745.2,   1.6e6,
                        1e22,    0x1p52,
                        0x1p53,  0x1p65,
                        DBL_MAX, std::numeric_limits<double>::infinity()};

std::vector<double> points_of(double low, double high, std::mt19937_64& random) {
    std::vector<double> points{std::numeric_limits<double>::quiet_NaN()};
    for (const double edge : edges)
        for (const double beside : {-1e300, 0.0, 1e300})
            for (const double sign : {-1.0, 1.0})
                points.push_back(sign * (beside == 0 ? edge : std::nextafter(edge, beside)));
    constexpr int dense = 10'000;
    for (int i = 0; i <= dense; ++i) points.push_back(low + (high - low) * i / dense);
    std::uniform_real_distribution<double> near(low, high), exponent(-1074, 1024), sign(-1, 1);
    for (int i = 0; i < dense; ++i) {
        points.push_back(near(random));
        points.push_back(std::copysign(std::exp2(exponent(random)), sign(random)));
    }
    while (points.size() % Lanes::width != 0) points.push_back(low);
    return points;
}

bool are_same_bits(double a, double b) {
    return std::memcmp(&a, &b, sizeof a) == 0 || (std::isnan(a) && std::isnan(b));
}

bool is_near(double actual, long double exact) {
    const double rounded = static_cast<double>(exact);
    if (std::isnan(rounded)) return std::isnan(actual);
    if (std::isinf(rounded)) return actual == rounded;
    if (rounded == 0 && actual == 0) return std::signbit(actual) == std::signbit(rounded);
    const long double ulp = std::ldexp(1.0L, std::max(std::ilogb(rounded), -1022) - 52);
    return std::fabs(static_cast<long double>(actual) - exact) <= most_ulps * ulp;
}

void fail(const std::string& name, double x, double y, double actual) {
    ++failures();
    std::printf("%s(%a, %a) is not %a\n", name.c_str(), x, y, actual);
}

void check_function(const Function& function, std::mt19937_64& random) {
    const std::vector<double> points = points_of(function.low, function.high, random);
    double many[Lanes::width];
    for (std::size_t i = 0; i < points.size(); i += Lanes::width) {
        function.lanes(Lanes::load(&points[i])).store(many);
        for (std::size_t lane = 0; lane < Lanes::width; ++lane) {
            const double x = points[i + lane], one = function.lane(Lane(x)).value;
            if (!is_near(one, function.exact(x))) fail(function.name, x, x, one);
            if (!are_same_bits(one, many[lane]))
                fail(function.name + " in lanes", x, x, many[lane]);
        }
    }
}

// All of x's powers, many at once.
void check_powers(double x, const std::vector<double>& exponents) {
    double many[Lanes::width];
    for (std::size_t i = 0; i + Lanes::width <= exponents.size(); i += Lanes::width) {
        pow(Lanes(x), Lanes::load(&exponents[i])).store(many);
        for (std::size_t lane = 0; lane < Lanes::width; ++lane) {
            const double y = exponents[i + lane], one = pow(Lane(x), Lane(y)).value;
            if (!is_near(one, std::pow(static_cast<long double>(x), static_cast<long double>(y))))
                fail("pow", x, y, one);
            if (!are_same_bits(one, many[lane])) fail("pow in lanes", x, y, many[lane]);
        }
    }
}

}  // namespace

TEST(vector_functions_are_accurate_and_the_same_in_every_lane) {
    std::mt19937_64 random(1);
    for (const Function& function : functions) check_function(function, random);
}

TEST(powers_are_accurate_and_the_same_in_every_lane) {
    std::mt19937_64 random(2);
    std::uniform_real_distribution<double> base(0, 4), exponent(-1074, 1024), power(-745, 710);
    for (int i = 0; i < 4'000; ++i) {
        const double near = base(random), any = std::exp2(exponent(random));
        check_powers(near, {-3, -2.5, -2, -1, -0.5, 0.5, 1, 1.5, 2, 3, 10, 0.3, 100, -7, -50, 4});
        check_powers(-near, {-3, -2.5, -2, -1, 0, 0.5, 1, 1.5, 2, 3, 11, 0.3, 100, -7, -50, 4});
        std::vector<double> powers;
        for (int k = 0; k < 8; ++k) powers.push_back(power(random) / std::log(any));
        check_powers(any, powers);
        check_powers(1 + (near - 2) * 0x1p-40, {0x1p40, -0x1p45, 1e18, -1e15, 0.1, 3, 7, 9});
    }
}

TEST(powers_have_the_special_values_of_c) {
    std::vector<double> numbers{std::numeric_limits<double>::quiet_NaN(),
                                0.25,
                                -0.25,
                                4,
                                -4,
                                5,
                                -5,
                                0x1p52 + 1,
                                -0x1p52 - 1,
                                0x1p53 + 2};
    for (const double edge : edges) numbers.insert(numbers.end(), {edge, -edge});
    while (numbers.size() % Lanes::width != 0) numbers.push_back(1);
    for (const double x : numbers) check_powers(x, numbers);
}

}  // namespace megagrad::test
