package build

import (
	"regexp"
	"strconv"
	"strings"
)

// recognised is what one line of output turned out to be.
type recognised struct {
	diagnostic Diagnostic
	rank       rank
	warning    bool
	hint       string
}

const severities = `(?i:(fatal error|internal compiler error|error|warning))`

var (
	escapeSequence = regexp.MustCompile("\x1b(?:\\[[0-9;?]*[\\x20-\\x2f]*[\\x40-\\x7e]|\\][^\x07\x1b]*(?:\x07|\x1b\\\\))")

	// file:line:column: error: text — gcc, clang, zig, tcc, the assembler.
	located = regexp.MustCompile(`^(.+?):(\d+):(?:(\d+):)?\s*` + severities + `(?:\[(\w+)\])?:\s*(.+)$`)
	// file(line,column): Error: text — D, Nim, Odin.
	bracketed = regexp.MustCompile(`^(.+?)\((\d+)(?:[,:]\s*(\d+))?\)\s*:?\s*` + severities + `:?\s+(.+)$`)
	// error[E0308]: text — rustc, cargo; also with the tool's name before it: cc1, ld.lld, clang.
	unlocated = regexp.MustCompile(`^\s*(?:[\w./+-]+:\s)?\s*` + severities + `(?:\[([\w:-]+)\])?:\s+(.+)$`)
	// --> file:line:column — rustc's second line.
	arrow = regexp.MustCompile(`^\s*-->\s+(.+?):(\d+):(\d+)\s*$`)
	// file:line:column: text — Go.
	unmarked = regexp.MustCompile(`^([^\s:]+\.\w+):(\d+):(\d+): (.+)$`)
	remark   = regexp.MustCompile(`^.+?:(?:\d+:)*\s*(?i:note|remark|help|info):`)

	undefined = regexp.MustCompile(`^(?:\S*ld(?:\.\w+)?:\s)?\s*(?:(.+?):(?:(\d+):|\([^)]*\):)\s*)?((?:undefined reference to|multiple definition of) .+)$`)
	linker    = regexp.MustCompile(`^(?:\S*[/-])?ld(?:\.\w+)?: (.+)$`)

	notFound    = regexp.MustCompile(`^(?:\S*/)?\w*sh(?:: (?:line )?\d+)?: (.+?): (?:command )?not found$`)
	shellDenied = regexp.MustCompile(`^(?:\S*/)?\w*sh(?:: (?:line )?\d+)?: (.+?): (Permission denied|No such file or directory)$`)
	shellSyntax = regexp.MustCompile(`^(?:\S*/)?\w*sh(?:: (?:line )?\d+)?: (?i:(syntax error.*))$`)
	makeMissing = regexp.MustCompile(`^make(?:\[\d+\])?: (\S+): No such file or directory$`)
	makeFailed  = regexp.MustCompile(`^g?make(?:\[\d+\])?: \*\*\* (.+)$`)
)

// summaries begin messages which only say that an earlier one was fatal.
var summaries = []string{
	"ld returned ", "linker command failed", "linking with ", "aborting due to", "could not compile",
	"some warnings being treated as errors", "all warnings being treated as errors", "build failed",
	"the following command failed", "the following build command failed", "process didn't exit successfully",
}

// recognise classifies one line. It looks for the most telling forms first.
func recognise(line string) recognised {
	switch text := strings.TrimSpace(line); {
	case text == "":
		return recognised{}
	case !telling(line):
		return recognised{diagnostic: Diagnostic{Text: cleanText(line)}, rank: rankLine}
	case remark.MatchString(line):
		return recognised{}
	}
	for _, form := range []func(string) (recognised, bool){
		recogniseMake, recogniseMarked, recogniseLinker, recogniseShell, recogniseUnmarked,
	} {
		if found, ok := form(line); ok {
			return found
		}
	}
	return recognised{diagnostic: Diagnostic{Text: cleanText(line)}, rank: rankLine}
}

// fragments are such that every form above holds at least one of them.
var fragments = []string{
	"rror", "RROR", "arning", "ARNING", "undefined reference", "multiple definition", "ld: ", "ld.", "sh: ", "make",
}

// telling reports whether the line may have one of the forms; it costs much less than trying them, and most lines of a
// long output have none.
func telling(line string) bool {
	for _, fragment := range fragments {
		if strings.Contains(line, fragment) {
			return true
		}
	}
	return unmarked.MatchString(line)
}

func recogniseMarked(line string) (recognised, bool) {
	var d Diagnostic
	var code string
	if m := located.FindStringSubmatch(line); m != nil {
		d = Diagnostic{File: m[1], Line: number(m[2]), Column: number(m[3]), Severity: m[4], Text: m[6]}
		code = m[5]
	} else if m := bracketed.FindStringSubmatch(line); m != nil {
		d = Diagnostic{File: m[1], Line: number(m[2]), Column: number(m[3]), Severity: m[4], Text: m[5]}
	} else if m := unlocated.FindStringSubmatch(line); m != nil {
		d = Diagnostic{Severity: m[1], Text: m[3]}
		code = m[2]
	} else {
		return recognised{}, false
	}
	d.Severity = strings.ToLower(d.Severity)
	d.Text = cleanText(d.Text)
	if code != "" {
		d.Text += " [" + code + "]"
	}
	found := recognised{diagnostic: d, rank: rankError, warning: d.Severity == "warning"}
	for _, summary := range summaries {
		if strings.HasPrefix(strings.ToLower(d.Text), summary) {
			found.rank = rankSummary
		}
	}
	return found, true
}

func recogniseLinker(line string) (recognised, bool) {
	if m := undefined.FindStringSubmatch(line); m != nil {
		return recognised{
			diagnostic: Diagnostic{File: m[1], Line: number(m[2]), Severity: "error", Text: cleanText(m[3])},
			rank:       rankLinker,
		}, true
	}
	m := linker.FindStringSubmatch(line)
	if m == nil {
		return recognised{}, false
	}
	if strings.Contains(m[1], ": in function ") || strings.HasPrefix(m[1], "final link failed") {
		return recognised{}, true // says nothing by itself
	}
	found := recognised{diagnostic: Diagnostic{Severity: "error", Text: cleanText(m[1])}, rank: rankLinker}
	if strings.Contains(m[1], "recompile with -fPIC") {
		found.hint = "add -fPIC to the build command"
	}
	return found, true
}

func recogniseShell(line string) (recognised, bool) {
	for _, form := range []*regexp.Regexp{notFound, makeMissing} {
		if m := form.FindStringSubmatch(line); m != nil {
			return recognised{
				diagnostic: Diagnostic{Text: cleanText(m[1]) + ": not found"}, rank: rankShell, hint: installHint(m[1]),
			}, true
		}
	}
	if m := shellDenied.FindStringSubmatch(line); m != nil {
		hint := "check the path; the command runs in the directory given with --dir"
		if m[2] == "Permission denied" {
			hint = "make it executable: chmod +x " + cleanText(m[1])
		}
		return recognised{
			diagnostic: Diagnostic{Text: cleanText(m[1] + ": " + m[2])}, rank: rankShell, hint: hint,
		}, true
	}
	if m := shellSyntax.FindStringSubmatch(line); m != nil {
		return recognised{
			diagnostic: Diagnostic{Text: cleanText(m[1])}, rank: rankShell,
			hint: "check the quotes of the build command",
		}, true
	}
	return recognised{}, false
}

func recogniseMake(line string) (recognised, bool) {
	m := makeFailed.FindStringSubmatch(line)
	if m == nil {
		return recognised{}, false
	}
	return recognised{diagnostic: Diagnostic{Text: cleanText("make: " + m[1])}, rank: rankSummary}, true
}

func recogniseUnmarked(line string) (recognised, bool) {
	m := unmarked.FindStringSubmatch(line)
	if m == nil {
		return recognised{}, false
	}
	return recognised{
		diagnostic: Diagnostic{
			File: m[1], Line: number(m[2]), Column: number(m[3]), Severity: "error", Text: cleanText(m[4]),
		},
		rank: rankUnmarked,
	}, true
}

func rustPlace(line string) (file string, row, column int, ok bool) {
	m := arrow.FindStringSubmatch(line)
	if m == nil {
		return "", 0, 0, false
	}
	return m[1], number(m[2]), number(m[3]), true
}

// number returns 0 for anything that is not a number an int can hold.
func number(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0
	}
	return n
}

// installHint tells how to get a program which the shell did not find.
func installHint(program string) string {
	switch program {
	case "cc", "gcc", "c99", "make":
		return "install a C compiler and make (Debian and Ubuntu: apt install build-essential)"
	case "c++", "g++":
		return "install a C++ compiler (Debian and Ubuntu: apt install g++)"
	case "clang", "clang++", "cmake", "ninja", "meson", "zig", "go", "nasm":
		return "install " + program + " or correct PATH"
	case "rustc", "cargo":
		return "install Rust (https://rustup.rs) or correct PATH"
	default:
		return "install " + cleanText(program) + ", or correct PATH or the build command"
	}
}
