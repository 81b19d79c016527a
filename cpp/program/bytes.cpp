// Programs as bytes: little-endian numbers, ops by name, and a checksum. What is read is checked
// before it is believed: no count makes memory be taken that the bytes themselves do not fill.
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <stdexcept>

#include "program/checksum.hpp"
#include "program/little_endian.hpp"
#include "program/program.hpp"

namespace megagrad {

namespace {

constexpr std::string_view magic = "megagrad";
constexpr std::uint32_t version = 1;
// The last byte of a program that may not be contracted. One that may has none.
constexpr std::uint8_t not_contracted = 1;

class Writer {
public:
    template <class Number>
    void put(Number number) {
        append_bytes(bytes_, static_cast<std::uint64_t>(number), sizeof(Number));
    }
    void put(double number) { put(std::bit_cast<std::uint64_t>(number)); }
    void put(std::string_view text) { bytes_ += text; }
    void put(const std::string& text) { bytes_ += text; }

    std::string finished() && {
        put(checksum(bytes_));
        return std::move(bytes_);
    }

private:
    std::string bytes_;
};

class Reader {
public:
    Reader(const char* bytes, std::size_t size) : next_(bytes), left_(size) {}

    template <class Number>
    Number get() {
        return static_cast<Number>(from_bytes_at(take(sizeof(Number)), sizeof(Number)));
    }
    double get_double() { return std::bit_cast<double>(get<std::uint64_t>()); }
    std::string_view get_text(std::size_t size) { return {take(size), size}; }

    // What comes next, as an error is to name it.
    void begin(const char* part) { part_ = part; }

    // How many items of at least `size` bytes follow.
    std::size_t get_count(std::size_t size) {
        const auto count = get<std::uint64_t>();
        if (count > left_ / size) refuse_cut_off();
        return static_cast<std::size_t>(count);
    }
    bool is_at_end() const { return left_ == 0; }
    void expect_end() const {
        if (!is_at_end()) refuse("there is more than a program");
    }
    [[noreturn]] static void refuse(const std::string& what) {
        throw std::invalid_argument("not a saved program of this version: " + what);
    }

private:
    [[noreturn]] void refuse_cut_off() const {
        refuse(std::string("it is cut off in its ") + part_);
    }
    const char* take(std::size_t size) {
        if (size > left_) refuse_cut_off();
        const char* taken = next_;
        next_ += size;
        left_ -= size;
        return taken;
    }

    const char* next_;
    std::size_t left_;
    const char* part_ = "head";
};

void put_ops(Writer& writer) {
    writer.put(static_cast<std::uint8_t>(op_infos.size()));
    for (const OpInfo& entry : op_infos) {
        const std::string_view name = entry.name;
        writer.put(static_cast<std::uint8_t>(name.size()));
        writer.put(name);
    }
}

// The ops by their numbers in the file, which another version may have numbered otherwise.
std::vector<Op> get_ops(Reader& reader) {
    reader.begin("list of ops");
    std::vector<Op> ops(reader.get<std::uint8_t>());
    for (Op& op : ops) {
        const std::string_view name = reader.get_text(reader.get<std::uint8_t>());
        const auto found = std::find_if(op_infos.begin(), op_infos.end(),
                                        [&](const OpInfo& entry) { return entry.name == name; });
        // One that this version does not know may be there, as long as no instruction has it.
        op = found == op_infos.end() ? Op::leaf : static_cast<Op>(found - op_infos.begin());
    }
    return ops;
}

std::array<std::uint64_t*, 5> fields(Counts& counts) {
    return {&counts.recorded, &counts.folded, &counts.merged, &counts.dropped, &counts.fused};
}

Id get_leaves(Reader& reader, const char* which) {
    reader.begin(which);
    const std::size_t count = reader.get_count(1);
    if (count > largest_program) Reader::refuse("it has too many " + std::string(which));
    reader.get_text(count);
    return static_cast<Id>(count);
}

}  // namespace

std::string to_bytes(const Program& program) {
    Writer writer;
    writer.put(magic);
    writer.put(version);
    put_ops(writer);
    // A byte for each of them, so that a small file cannot ask for the memory of many.
    for (const Id count : {program.inputs, program.parameters}) {
        writer.put(std::uint64_t{count});
        writer.put(std::string(count, '\0'));
    }
    Counts counts = program.counts;
    for (const std::uint64_t* field : fields(counts)) writer.put(*field);
    writer.put(std::uint64_t{program.constants.size()});
    for (const double constant : program.constants) writer.put(constant);
    writer.put(std::uint64_t{program.instructions.size()});
    for (const Instruction& instruction : program.instructions) {
        writer.put(static_cast<std::uint8_t>(instruction.op));
        writer.put(instruction.count);
    }
    writer.put(std::uint64_t{program.operands.size()});
    for (const Use operand : program.operands) writer.put(operand.bits());
    writer.put(std::uint64_t{program.outputs.size()});
    for (const Id output : program.outputs) writer.put(output);
    if (!program.contract) writer.put(not_contracted);
    return std::move(writer).finished();
}

namespace {

// Checked, and without its checksum.
Reader reader_of(const char* bytes, std::size_t size) {
    if (size < magic.size() + sizeof(std::uint64_t) ||
        std::string_view(bytes, magic.size()) != magic)
        Reader::refuse("it does not begin as one");
    size -= sizeof(std::uint64_t);
    if (Reader(bytes + size, sizeof(std::uint64_t)).get<std::uint64_t>() != checksum({bytes, size}))
        Reader::refuse("its checksum is wrong");
    Reader reader(bytes + magic.size(), size - magic.size());
    if (reader.get<std::uint32_t>() != version) Reader::refuse("it is of another version");
    return reader;
}

void get_instructions(Reader& reader, const std::vector<Op>& ops, Program& program) {
    reader.begin("instructions");
    program.instructions.resize(reader.get_count(5));
    std::size_t first = 0;
    for (Instruction& instruction : program.instructions) {
        const auto op = reader.get<std::uint8_t>();
        if (op >= ops.size()) Reader::refuse("it has no op " + std::to_string(op));
        instruction = {ops[op], reader.get<std::uint32_t>(), first};
        first += instruction.count;
    }
    reader.begin("operands");
    program.operands.resize(reader.get_count(sizeof(Id)), Use(0));
    for (Use& operand : program.operands) operand = Use(reader.get<Id>());
    if (first != program.operands.size())
        Reader::refuse("its instructions have " + std::to_string(first) + " operands, not " +
                       std::to_string(program.operands.size()));
}

bool get_contract(Reader& reader) {
    reader.begin("flags");
    const bool contract = reader.is_at_end();
    if (!contract && reader.get<std::uint8_t>() != not_contracted)
        Reader::refuse("it has unknown flags");
    return contract;
}

}  // namespace

Program from_bytes(const char* bytes, std::size_t size) {
    Reader reader = reader_of(bytes, size);
    const std::vector<Op> ops = get_ops(reader);
    Program program;
    program.inputs = get_leaves(reader, "inputs");
    program.parameters = get_leaves(reader, "parameters");
    reader.begin("counts");
    for (std::uint64_t* field : fields(program.counts)) *field = reader.get<std::uint64_t>();
    reader.begin("constants");
    program.constants.resize(reader.get_count(sizeof(double)));
    for (double& constant : program.constants) constant = reader.get_double();
    get_instructions(reader, ops, program);
    reader.begin("outputs");
    program.outputs.resize(reader.get_count(sizeof(Id)));
    for (Id& output : program.outputs) output = reader.get<Id>();
    program.contract = get_contract(reader);
    reader.expect_end();
    validate(program);
    return program;
}

}  // namespace megagrad
