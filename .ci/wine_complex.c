// The complex functions that Wine's C library declares and does not have: where they should be, a
// jump to mingw's. Python imports this at its start, as `sitecustomize`.
#include <Python.h>
#include <complex.h>
#include <windows.h>

// In Windows' C library long double is double.
#define FUNCTION(name) \
    {#name, name}, {#name "f", name##f}, { #name "l", name }
static const struct {
    const char* name;
    void* function;
} functions[] = {FUNCTION(ccos), FUNCTION(ccosh), FUNCTION(cexp),  FUNCTION(csin),  FUNCTION(csinh),
                 FUNCTION(ctan), FUNCTION(ctanh), FUNCTION(clog),  FUNCTION(csqrt), FUNCTION(cabs),
                 FUNCTION(carg), FUNCTION(cimag), FUNCTION(creal), FUNCTION(cpow)};

// mov rax, function; jmp rax
static void replace(unsigned char* code, void* function) {
    DWORD protection;
    VirtualProtect(code, 12, PAGE_EXECUTE_READWRITE, &protection);
    memcpy(code, "\x48\xb8", 2);
    memcpy(code + 2, &function, sizeof function);
    memcpy(code + 10, "\xff\xe0", 2);
    VirtualProtect(code, 12, protection, &protection);
}

static int replace_all(PyObject* self) {
    HMODULE library = GetModuleHandleA("ucrtbase.dll");
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; ++i) {
        void* code = GetProcAddress(library, functions[i].name);
        if (code != NULL) replace(code, functions[i].function);
    }
    return 0;
}

// Sub-interpreters import it, too.
static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, replace_all},
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
    {0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, .m_name = "sitecustomize",
                                    .m_slots = slots};

PyMODINIT_FUNC PyInit_sitecustomize(void) { return PyModuleDef_Init(&module); }
