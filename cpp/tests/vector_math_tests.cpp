// The vector functions against the C library's, on long double where those are good, and one lane
// against many.
#include <algorithm>
#include <cfloat>
#include <cstring>
#include <limits>
#include <random>
#include <string>

#include "program/vectors/math/math.hpp"
#include "tests/check.hpp"

namespace megagrad::test {

namespace {

using MEGAGRAD_ISA::Scalar;
using MEGAGRAD_ISA::Vector;

struct Range {
    double low, high;
};

struct Function {
    std::string name;
    Scalar (*scalar)(Scalar);
    Vector (*vector)(Vector);
    double (*library)(double);
    long double (*wide)(long double);
    double at;
    long double value;          // there, to 23 digits
    std::vector<Range> ranges;  // where most of the points are
};

#define FUNCTION(name)                                                         \
    #name, [](Scalar x) { return name(x); }, [](Vector x) { return name(x); }, \
        [](double x) { return std::name(x); }, [](long double x) { return std::name(x); }

const Function functions[] = {
    {FUNCTION(exp), 700, 1.0142320547350045094553e304L, {{-3, 3}, {-750, 712}}},
    {FUNCTION(expm1), 708, 3.0233831442760550147756e307L, {{-2, 2}, {-60, 712}}},
    {FUNCTION(log), 1.75, 0.55961578793542268627089L, {{0.1, 5}}},
    {FUNCTION(log1p), 0.375, 0.31845373111853461581025L, {{-1, 5}}},
    {FUNCTION(cbrt), 5, 1.7099759466766969893531L, {{-9, 9}}},
    {FUNCTION(sin), 710, 6.0288706691585265933484e-5L, {{-9, 9}, {-2e6, 2e6}}},
    {FUNCTION(cos), 177.5, -1.5072176681456201638405e-5L, {{-9, 9}, {-2e6, 2e6}}},
    {FUNCTION(tan), 710, 6.0288706801151796038642e-5L, {{-9, 9}, {-2e6, 2e6}}},
    {FUNCTION(asin), 0.625, 0.67513153293703164720906L, {{-1, 1}}},
    {FUNCTION(acos), 0.625, 0.89566479385786497202227L, {{-1, 1}}},
    {FUNCTION(atan), 1.25, 0.8960553845713439561748L, {{-5, 5}}},
    {FUNCTION(sinh), 708, 1.5116915721380275073878e307L, {{-3, 3}, {-712, 712}}},
    {FUNCTION(cosh), 708, 1.5116915721380275073878e307L, {{-3, 3}, {-712, 712}}},
    {FUNCTION(tanh), 0.75, 0.63514895238728731921443L, {{-3, 3}, {-25, 25}}},
    {FUNCTION(erf), 0.625, 0.62324088218841797244864L, {{-7, 7}}},
    {FUNCTION(erfc), 3.125, 9.8967346252456194686334e-6L, {{-2, 7}, {-7, 28}}}};

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
    while (points.size() % Vector::width != 0) points.push_back(low);
    return points;
}

bool are_same_bits(double a, double b) {
    return std::memcmp(&a, &b, sizeof a) == 0 || (std::isnan(a) && std::isnan(b));
}

// Whether the C library's value on long double is one to judge by: near enough to the true one, and
// not for want of digits in both. mingw's sine is not, far from zero, nor is musl's expm1.
bool is_exact(long double value, long double truth) {
    return LDBL_MANT_DIG > DBL_MANT_DIG && std::fabs(value - truth) <= std::fabs(truth) * 0x1p-60L;
}

bool is_near(double actual, long double exact, double most_ulps) {
    const double rounded = static_cast<double>(exact);
    if (std::isnan(rounded)) return std::isnan(actual);
    if (std::isinf(rounded)) return actual == rounded;
    if (rounded == 0 && actual == 0) return std::signbit(actual) == std::signbit(rounded);
    const long double ulp = std::ldexp(1.0L, std::max(std::ilogb(rounded), -1022) - 52);
    return std::fabs(static_cast<long double>(actual) - exact) <= most_ulps * ulp;
}

void fail(const std::string& name, double x, double y, double actual) {
    char text[200];
    std::snprintf(text, sizeof text, "%s(%a, %a) is not %a", name.c_str(), x, y, actual);
    FAIL_CHECK(text);
}

void check_function(const Function& function, Range range, std::mt19937_64& random) {
    const std::vector<double> points = points_of(range.low, range.high, random);
    const bool is_wide = is_exact(function.wide(function.at), function.value);
    double many[Vector::width];
    for (std::size_t i = 0; i < points.size(); i += Vector::width) {
        function.vector(Vector::load(&points[i])).store(many);
        for (std::size_t lane = 0; lane < Vector::width; ++lane) {
            const double x = points[i + lane], one = function.scalar(Scalar(x)).value;
            const long double exact = is_wide ? function.wide(x) : function.library(x);
            if (!is_near(one, exact, is_wide ? 2 : 3)) fail(function.name, x, x, one);
            if (!are_same_bits(one, many[lane]))
                fail(function.name + " in lanes", x, x, many[lane]);
        }
    }
}

long double wide_power(long double x, long double y) { return std::pow(x, y); }

// All of x's powers, many at once.
void check_powers(double x, const std::vector<double>& exponents) {
    static const bool is_wide = is_exact(wide_power(1.125, -500.5), 2.5012811780491088910972e-26L);
    double many[Vector::width];
    for (std::size_t i = 0; i + Vector::width <= exponents.size(); i += Vector::width) {
        pow(Vector(x), Vector::load(&exponents[i])).store(many);
        for (std::size_t lane = 0; lane < Vector::width; ++lane) {
            const double y = exponents[i + lane], one = pow(Scalar(x), Scalar(y)).value;
            const double near = std::pow(x, y);
            // musl's power of long doubles loses the sign of what is 0 or infinite.
            const bool is_settled = near == 0 || std::isinf(near);
            const long double exact = is_wide && !is_settled ? wide_power(x, y) : near;
            if (!is_near(one, exact, is_wide ? 2 : 3)) fail("pow", x, y, one);
            if (!are_same_bits(one, many[lane])) fail("pow in lanes", x, y, many[lane]);
        }
    }
}

}  // namespace

TEST_CASE("vector functions are accurate and the same in every lane") {
    std::mt19937_64 random(1);
    for (const Function& function : functions)
        for (const Range range : function.ranges) check_function(function, range, random);
}

TEST_CASE("powers are accurate and the same in every lane") {
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

TEST_CASE("powers have the special values of c") {
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
    while (numbers.size() % Vector::width != 0) numbers.push_back(1);
    for (const double x : numbers) check_powers(x, numbers);
}

}  // namespace megagrad::test
