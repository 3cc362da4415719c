#include "rewrite.h"
#include <algorithm>
#include <cctype>
#include <vector>

namespace {

struct Listed { std::string name, bounds; };

struct Rewriter {
    const std::string& in;
    std::string out, error;
    size_t at = 0;
    int shared = 0;
    std::vector<Listed> kernels;

    explicit Rewriter(const std::string& text) : in(text) {}

    static bool isWord(char c) { return isalnum((unsigned char)c) || c == '_'; }

    std::string wordAt(size_t i) const {
        size_t end = i;
        while (end < in.size() && isWord(in[end])) end++;
        return in.substr(i, end - i);
    }

    // Copies a string or character literal, a line of the preprocessor or a word, and says which word.
    std::string copyToken() {
        char c = in[at];
        if (c == '"' || c == '\'') {
            size_t end = at + 1;
            while (end < in.size() && in[end] != c) end += in[end] == '\\' ? 2 : 1;
            end = std::min(end + 1, in.size());
            out.append(in, at, end - at);
            at = end;
            return "";
        }
        if (c == '#' && (at == 0 || in[at - 1] == '\n')) {
            size_t end = std::min(in.find('\n', at), in.size());
            unroll(in.substr(at, end - at));
            at = end;
            return "";
        }
        if (isWord(c)) {
            std::string word = wordAt(at);
            out += word;
            at += word.size();
            return word;
        }
        out += c;
        at++;
        return "";
    }

    // #pragma unroll [n] in g++'s words. Unrolled loops leave small arrays in registers, whose accesses need no checks.
    void unroll(const std::string& line) {
        static const std::string pragma = "#pragma unroll";
        if (line.compare(0, pragma.size(), pragma)) {
            out += line;
            return;
        }
        std::string count = line.substr(pragma.size());
        out += "#pragma GCC unroll " + (count.find_first_of("0123456789") == std::string::npos ? "256" : count);
    }

    void keepLines(size_t from, size_t to) { out.append(std::count(in.begin() + from, in.begin() + to, '\n'), '\n'); }

    size_t skipSpace(size_t i) const {
        while (i < in.size() && isspace((unsigned char)in[i])) i++;
        return i;
    }

    size_t afterParentheses(size_t open) const {
        int depth = 0;
        for (size_t i = open; i < in.size(); i++) {
            if (in[i] == '(') depth++;
            if (in[i] == ')' && --depth == 0) return i + 1;
        }
        return in.size();
    }

    // After __global__: an optional launch bound before or after void, the name, its parameters.
    void kernel() {
        size_t i = skipSpace(at);
        std::string bounds = "(1024)";
        for (std::string word = wordAt(i); !word.empty(); word = wordAt(i)) {
            size_t next = skipSpace(i + word.size());
            if (word == "__launch_bounds__") {
                size_t end = afterParentheses(next);
                bounds = in.substr(next, end - next);
                i = skipSpace(end);
                continue;
            }
            if (next < in.size() && in[next] == '(') {
                kernels.push_back({word, bounds});
                out += "__attribute__((noipa)) void ";
                keepLines(at, i);
                at = i;
                return;
            }
            i = next;
        }
        error += "error: a __global__ whose name was not found\n";
    }

    static std::string withoutAttributes(std::string type) {
        for (const char* word : {"__attribute__", "alignas"}) {
            for (size_t begin; (begin = type.find(word)) != std::string::npos;) {
                size_t end = type.find('(', begin);
                for (int depth = 0; end < type.size(); end++) {
                    depth += (type[end] == '(') - (type[end] == ')');
                    if (depth == 0) break;
                }
                type.erase(begin, end + 1 - begin);
            }
        }
        return type;
    }

    void sharedVariable() {
        size_t end = in.find(';', at);
        if (end == std::string::npos) return;
        std::string declaration = in.substr(at, end - at);
        bool isExtern = false;
        size_t tail = out.find_last_not_of(" \n\t");
        if (tail != std::string::npos && tail >= 5 && out.compare(tail - 5, 6, "extern") == 0) {
            isExtern = true;
            out.erase(tail - 5, 6);
        }
        // Names stand before [ or , or the end, outside of brackets of all kinds.
        std::vector<std::string> names;
        std::string word;
        int brackets = 0, angles = 0;
        size_t firstName = std::string::npos;
        for (size_t i = 0; i <= declaration.size(); i++) {
            char c = i < declaration.size() ? declaration[i] : ',';
            bool outside = brackets == 0 && angles == 0;
            if (outside && isWord(c)) {
                size_t length = 0;
                while (i + length < declaration.size() && isWord(declaration[i + length])) length++;
                word = declaration.substr(i, length);
                if (firstName == std::string::npos || names.empty()) firstName = i;
                i += length - 1;
            } else if (outside && (c == '[' || c == ',') && !word.empty()) {
                names.push_back(word);
                word.clear();
            }
            brackets += (c == '[' || c == '(') - (c == ']' || c == ')');
            if (brackets == 0) angles += (c == '<') - (c == '>');
        }
        if (names.empty()) {
            error += "error: a __shared__ declaration that was not understood: " + declaration + "\n";
            return;
        }
        std::string id = std::to_string(shared++);
        if (isExtern) {
            size_t brackets = declaration.rfind("[]");
            std::string one = brackets == std::string::npos ? declaration : declaration.substr(0, brackets) + "[1]";
            out += "using emuDynamic" + id + " = " + withoutAttributes(declaration.substr(0, firstName)) + "; struct emuAligned" + id + " { " + one + "; }; auto* " + names[0] +
                " = (emuDynamic" + id + "*)emuDynamicShared(alignof(emuAligned" + id + "))";
        } else {
            out += "struct emuVariables" + id + " { " + declaration + "; }; auto& emuPlace" + id + " = emuShared<emuVariables" + id + ">()";
            for (const auto& name : names) out += "; auto& " + name + " = emuPlace" + id + "." + name;
        }
        at = end;
    }

    void run() {
        while (at < in.size()) {
            std::string word = copyToken();
            if (word == "__global__" || word == "__shared__") {
                out.resize(out.size() - word.size());
                word == "__global__" ? kernel() : sharedVariable();
            }
        }
        out += "\nextern \"C\" {\nextern const EmuKernel emuKernels[] __attribute__((visibility(\"default\")));\nextern const int emuKernelCount __attribute__((visibility(\"default\")));\n";
        out += "const EmuKernel emuKernels[] = {";
        for (const auto& k : kernels) out += "EmuInvoker<" + k.name + ">::describe(\"" + k.name + "\", emuFirst" + k.bounds + "), ";
        out += "{}};\nconst int emuKernelCount = " + std::to_string(kernels.size()) + ";\n}\n";
    }
};

}  // namespace

std::string rewriteKernels(const std::string& text, std::string& error) {
    Rewriter rewriter(text);
    rewriter.run();
    error = rewriter.error;
    return rewriter.out;
}
