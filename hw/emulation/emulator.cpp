// C interface to the simulated shell: an AXI4-Lite master, direct access to the accelerator's streams, random
// stalls. Functions return 0 (or what their comment says), or one of the negative errors below; emu_error tells more.
// One instance may be used by one thread at a time. After an assertion has failed, every access is refused.
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>

#include "Vemulator.h"
#include "quarl_registers.h"
#include "verilated.h"

namespace {

constexpr int kBusTimeout = -1;     // the bridge did not answer
constexpr int kFailed = -2;         // assertion, $fatal, $finish or a missing file
constexpr int kResetCycles = 8;

struct Emulator {
    std::filesystem::path folder;            // of the memory images
    VerilatedContext context;
    Vemulator* top = nullptr;
    uint64_t cycles = 0;
    uint64_t random = 1;
    uint32_t stall_in = 0, stall_out = 0;    // probabilities, in units of 2^-32
    std::string error, printed;

    bool coin(uint32_t probability) {        // xorshift64*, Vigna 2016
        random ^= random >> 12;
        random ^= random << 25;
        random ^= random >> 27;
        return uint32_t((random * 2685821657736338717ull) >> 32) < probability;
    }
    // Low phase: inputs have changed, combinational outputs settle. Sample outputs after it.
    void settle() {
        if (stall_in | stall_out) {
            top->stall_in = coin(stall_in);
            top->stall_out = coin(stall_out);
        }
        top->ap_clk = 0;
        top->eval();
    }
    void edge() {
        top->ap_clk = 1;
        top->eval();
        ++cycles;
    }
    void tick() {
        settle();
        edge();
    }
    int result() const { return error.empty() ? 0 : kFailed; }
};

thread_local Emulator* current = nullptr;    // whose messages the simulator's callbacks get

Emulator* enter(void* handle) { return current = static_cast<Emulator*>(handle); }

void fail(const char* file, int line, const char* what) {
    if (!current || !current->error.empty()) return;    // the first failure is the cause
    current->error = current->printed + what + " (" + file + ":" + std::to_string(line) + ")";
}

void reset(Emulator* e) {
    Vemulator* t = e->top;
    t->ap_rst_n = 0;
    t->direct = t->in_tvalid = t->out_tready = 0;
    t->s_axi_ctrl_awvalid = t->s_axi_ctrl_wvalid = t->s_axi_ctrl_arvalid = 0;
    t->s_axi_ctrl_bready = t->s_axi_ctrl_rready = 1;
    for (int i = 0; i < kResetCycles; ++i) e->tick();
    t->ap_rst_n = 1;
    for (int i = 0; i < int(QUARL_RECOVERY_CYCLES); ++i) e->tick();
}

int write_word(Emulator* e, uint32_t address, uint32_t value, uint32_t strobes) {
    Vemulator* t = e->top;
    t->s_axi_ctrl_awaddr = address;
    t->s_axi_ctrl_wdata = value;
    t->s_axi_ctrl_wstrb = strobes;
    t->s_axi_ctrl_awvalid = t->s_axi_ctrl_wvalid = 1;
    int limit = 1000;
    bool taken = false;
    while (!taken && limit-- && e->error.empty()) {
        e->settle();
        taken = t->s_axi_ctrl_awready && t->s_axi_ctrl_wready;
        e->edge();
    }
    t->s_axi_ctrl_awvalid = t->s_axi_ctrl_wvalid = 0;
    bool answered = false;
    while (taken && !answered && limit-- > 0 && e->error.empty()) {
        e->settle();
        answered = t->s_axi_ctrl_bvalid;
        e->edge();
    }
    return e->error.empty() ? (answered ? 0 : kBusTimeout) : kFailed;
}

int read_word(Emulator* e, uint32_t address, uint32_t* value) {
    Vemulator* t = e->top;
    t->s_axi_ctrl_araddr = address;
    t->s_axi_ctrl_arvalid = 1;
    int64_t limit = address == QUARL_WAIT ? int64_t(1) << 33 : 1000;    // WAIT takes up to TIMEOUT cycles
    bool taken = false;
    while (!taken && limit-- && e->error.empty()) {
        e->settle();
        taken = t->s_axi_ctrl_arready;
        e->edge();
    }
    t->s_axi_ctrl_arvalid = 0;
    bool answered = false;
    while (taken && !answered && limit-- > 0 && e->error.empty()) {
        e->settle();
        answered = t->s_axi_ctrl_rvalid;
        if (answered) *value = t->s_axi_ctrl_rdata;
        e->edge();
    }
    return e->error.empty() ? (answered ? 0 : kBusTimeout) : kFailed;
}

uint32_t probability(double p) { return p <= 0 ? 0 : p >= 1 ? UINT32_MAX : uint32_t(p * 4294967296.0); }

}  // namespace

// The simulator's callbacks (VL_USER_*), instead of printing and aborting the process.
double sc_time_stamp() { return 0; }
void vl_finish(const char* file, int line, const char*) { fail(file, line, "$finish"); }
void vl_stop(const char* file, int line, const char*) { fail(file, line, "assertion failed"); }
void vl_fatal(const char* file, int line, const char*, const char* message) { fail(file, line, message); }
void vl_warn(const char* file, int line, const char*, const char* message) { fail(file, line, message); }
int emulator_print(const char* format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    const int n = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (current) current->printed = text;    // the last message belongs to a failure that follows it
    return n;
}

// The linker sends the model's fopen here (--wrap). The RTL names its memory images without a folder; they are those of
// the instance, and the working directory, which belongs to the whole process, stays as it is.
extern "C" FILE* __real_fopen(const char* name, const char* mode);
extern "C" FILE* __wrap_fopen(const char* name, const char* mode) {
    return __real_fopen((current->folder / name).c_str(), mode);
}

#define API extern "C" __attribute__((visibility("default")))

// A new instance after a hard reset. `dir` holds the .dat files. Never null; check emu_error for a missing file.
API void* emu_new(const char* dir) {
    auto* e = new Emulator;
    enter(e);
    std::error_code ignored;
    e->folder = dir;
    if (!std::filesystem::is_directory(e->folder, ignored)) fail(dir, 0, "no such folder");
    e->context.fatalOnError(false);
    e->top = new Vemulator(&e->context);
    e->top->eval();    // initial blocks, $readmemh among them
    reset(e);
    return e;
}

API void emu_free(void* handle) {
    Emulator* e = enter(handle);
    e->top->final();
    delete e->top;
    delete e;
    current = nullptr;
}

API const char* emu_error(void* handle) { return static_cast<Emulator*>(handle)->error.c_str(); }

API uint64_t emu_cycles(void* handle) { return static_cast<Emulator*>(handle)->cycles; }

// Hard reset; the memories keep their contents.
API int emu_reset(void* handle) {
    Emulator* e = enter(handle);
    reset(e);
    return e->result();
}

API int emu_idle(void* handle, uint32_t n) {
    Emulator* e = enter(handle);
    while (n-- && e->error.empty()) e->tick();
    return e->result();
}

API int emu_write(void* handle, uint32_t address, uint32_t value) {
    return write_word(enter(handle), address, value, 0xF);
}

// As emu_write, but only the bytes whose bit is set in `strobes` (4 bits).
API int emu_write_bytes(void* handle, uint32_t address, uint32_t value, uint32_t strobes) {
    return write_word(enter(handle), address, value, strobes & 0xF);
}

API int emu_read(void* handle, uint32_t address, uint32_t* value) { return read_word(enter(handle), address, value); }

// One inference, as the board's driver does it; needs CTRL.auto_start. Returns the STATUS word, bit 31 cleared.
API int emu_step(void* handle, const uint32_t* obs_words, int n, uint32_t* act_words, int m, uint32_t* latency) {
    Emulator* e = enter(handle);
    uint32_t status = 0;
    int r = 0;
    for (int i = 0; i < n && !r; ++i) r = write_word(e, QUARL_OBSERVATION + 4 * i, obs_words[i], 0xF);
    if (!r) r = read_word(e, QUARL_WAIT, &status);
    for (int i = 0; i < m && !r; ++i) r = read_word(e, QUARL_ACTION + 4 * i, act_words + i);
    if (!r) r = read_word(e, QUARL_LATENCY_LAST, latency);
    return r ? r : int(status & 0x7FFFFFFF);
}

// Random stalls on both streams until the next call; a probability of 0 switches a side off.
API int emu_stall(void* handle, double p_in, double p_out, uint32_t seed) {
    Emulator* e = enter(handle);
    e->stall_in = probability(p_in);
    e->stall_out = probability(p_out);
    e->random = seed * 2654435769ull + 1;
    e->top->stall_in = e->top->stall_out = 0;
    return e->result();
}

// Direct mode, while the bridge is idle: sends `beats_in` beats back to back, receives until there are `beats_out`
// or `max_cycles` are over. cycle_in and cycle_out (each may be null) get the cycle in which each beat passed,
// counted from this call. Returns the number of beats received; after too few, reset before going on.
API int64_t emu_stream(void* handle, const uint8_t* in, int64_t beats_in, int in_bytes, uint8_t* out,
                       int64_t beats_out, int out_bytes, uint32_t* cycle_in, uint32_t* cycle_out,
                       int64_t max_cycles) {
    Emulator* e = enter(handle);
    Vemulator* t = e->top;
    t->direct = 1;
    t->out_tready = 1;
    int64_t sent = 0, received = 0;
    for (int64_t cycle = 0; cycle < max_cycles && received < beats_out && e->error.empty(); ++cycle) {
        t->in_tvalid = sent < beats_in;
        if (sent < beats_in) memcpy(&t->in_tdata, in + sent * in_bytes, in_bytes);
        e->settle();
        const bool take = sent < beats_in && t->in_tready;
        if (t->out_tvalid) {
            memcpy(out + received * out_bytes, &t->out_tdata, out_bytes);
            if (cycle_out) cycle_out[received] = uint32_t(cycle);
            ++received;
        }
        e->edge();
        if (take) {
            if (cycle_in) cycle_in[sent] = uint32_t(cycle);
            ++sent;
        }
    }
    t->direct = t->in_tvalid = t->out_tready = 0;
    return e->error.empty() ? received : kFailed;
}
