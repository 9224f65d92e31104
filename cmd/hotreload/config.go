package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
	"github.com/spf13/pflag"
)

// defaultConfig is the file of settings that is read when it exists and no other is named.
const defaultConfig = "hotreload.toml"

// origin says for each setting that is not a default where it came from, as an error message names it: "--shards",
// "HOTRELOAD_SHARDS" or "hotreload.toml:3: shards".
type origin map[string]string

// configError is a mistake in the file of settings. Its text is one line; excerpt shows the place, with a caret.
type configError struct {
	text, excerpt string
}

// Error implements error.
func (e *configError) Error() string { return e.text }

// resolve merges the layers, each over the one before: defaults, the file of settings, HOTRELOAD_* variables, and the
// flags set in line. Relative paths are relative to the current directory, wherever they were written.
func resolve(line *pflag.FlagSet, lookup func(string) (string, bool)) (settings, origin, error) {
	var s settings
	flags := flagSet(s.bind())
	from := origin{}

	path, required := defaultConfig, false
	if value, set := lookup(variable("config")); set && value != "" {
		path, required = value, true
	}
	if line.Changed("config") {
		path, required = line.Lookup("config").Value.String(), true
	}
	if err := readConfig(path, required, &s, from); err != nil {
		return s, from, err
	}

	var failure error
	flags.VisitAll(func(f *pflag.Flag) {
		value, set := lookup(variable(f.Name))
		if !set || value == "" || failure != nil { // empty is the shell's way to unset
			return
		}
		from[f.Name] = variable(f.Name)
		if list, ok := f.Value.(pflag.SliceValue); ok {
			failure = list.Replace(split(f.Name, value))
		} else if f.Value.Set(value) != nil {
			failure = from.refuse(f.Name, value)
		}
	})
	line.Visit(func(f *pflag.Flag) {
		target := flags.Lookup(f.Name)
		if target == nil || failure != nil { // nil: --help and its like are no settings
			return
		}
		from[f.Name] = "--" + f.Name
		if list, ok := f.Value.(pflag.SliceValue); ok {
			failure = target.Value.(pflag.SliceValue).Replace(list.GetSlice())
		} else {
			failure = target.Value.Set(f.Value.String())
		}
	})
	return s, from, failure
}

// variable is the environment variable of the flag with that name.
func variable(flag string) string {
	return "HOTRELOAD_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// split cuts the value of an environment variable that holds a list: paths as in PATH, others at commas.
func split(flag, value string) []string {
	separator := ","
	if flag == "watch" {
		separator = string(os.PathListSeparator)
	}
	return strings.Split(value, separator)
}

// readConfig sets s from the TOML file at path and notes in from what the file has set. A file that does not exist is an
// error only if it is required.
func readConfig(path string, required bool, s *settings, from origin) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && !required {
		return nil
	} else if err != nil {
		return fmt.Errorf("configuration file: expected a readable TOML file: %w", err)
	}
	if err := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(s); err != nil {
		return explain(path, err)
	}
	var parser unstable.Parser
	parser.Reset(text)
	for parser.NextExpression() {
		key := parser.Expression().Key()
		if key.Next() {
			line := parser.Shape(key.Node().Raw).Start.Line
			name := string(key.Node().Data)
			from[name] = fmt.Sprintf("%s:%d: %s", path, line, name)
		}
	}
	return explain(path, parser.Error())
}

// explain turns an error of the TOML decoder into one line with file, line number and expectation, and an excerpt with a
// caret; nil stays nil.
func explain(path string, err error) error {
	if err == nil {
		return nil
	}
	var unknown *toml.StrictMissingError
	if errors.As(err, &unknown) {
		line, _ := unknown.Errors[0].Position()
		return &configError{
			text: fmt.Sprintf("%s:%d: unknown key %q: expected the name of a flag without its dashes",
				path, line, strings.Join(unknown.Errors[0].Key(), ".")),
			excerpt: unknown.String(),
		}
	}
	var mistake *toml.DecodeError
	if errors.As(err, &mistake) {
		line, _ := mistake.Position()
		key := strings.Join(mistake.Key(), ".")
		reason, excerpt := strings.TrimPrefix(mistake.Error(), "toml: "), mistake.String()
		if want := expectation(key); want != "" { // in place of the decoder's talk of Go types
			if key == "watch" || key == "show" {
				want = "a list of " + want
			}
			excerpt = strings.Replace(excerpt, reason, "expected "+want, 1)
			reason = fmt.Sprintf("%s: expected %s", key, want)
		}
		return &configError{text: fmt.Sprintf("%s:%d: %s", path, line, reason), excerpt: excerpt}
	}
	return fmt.Errorf("%s: %w", path, err)
}
