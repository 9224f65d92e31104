package main

import (
	"fmt"
	"slices"
	"strings"

	"hotreload/engine"

	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"
)

// console encodes log entries as a person reads them: "[name] text", with the logger's name, and the entry's sentence
// (engine.Text) in place of its message. Fields are shown only if verbose, because the sentence says what matters.
//
// It holds the fields of Logger.With in the embedded map; Clone copies them, and nothing else in it changes, so that one
// console may encode from several goroutines at once.
type console struct {
	*zapcore.MapObjectEncoder
	colour  bool
	verbose bool
}

func newConsole(colour, verbose bool) *console {
	return &console{zapcore.NewMapObjectEncoder(), colour, verbose}
}

// lines recycles the buffers that EncodeEntry returns; zap's core frees each after writing it.
var lines = buffer.NewPool()

// Clone implements zapcore.Encoder.
func (c *console) Clone() zapcore.Encoder {
	clone := newConsole(c.colour, c.verbose)
	for key, value := range c.Fields {
		clone.Fields[key] = value
	}
	return clone
}

// EncodeEntry implements zapcore.Encoder.
func (c *console) EncodeEntry(entry zapcore.Entry, fields []zapcore.Field) (*buffer.Buffer, error) {
	line := lines.Get()
	text := engine.TextOf(entry.Message, fields)
	if text == "" { // for machines
		if !c.verbose {
			return line, nil
		}
		text = entry.Message
	}
	name := entry.LoggerName
	if name == "" {
		name = "hotreload"
	}
	if c.colour {
		line.AppendString(nameColour(name, entry.Level))
	}
	line.AppendByte('[')
	line.AppendString(name)
	line.AppendByte(']')
	if c.colour {
		line.AppendString(resetColour)
	}
	line.AppendByte(' ')
	if !speaksForItself(text) {
		line.AppendString(severity(entry.Level))
	}
	line.AppendString(text)
	if c.verbose {
		c.appendFields(line, fields)
	}
	line.AppendByte('\n')
	return line, nil
}

// appendFields writes key=value pairs: those of the logger by name, then those of the entry in their order.
func (c *console) appendFields(line *buffer.Buffer, fields []zapcore.Field) {
	keys := make([]string, 0, len(c.Fields))
	for key := range c.Fields {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		appendPair(line, key, c.Fields[key])
	}
	one := zapcore.NewMapObjectEncoder()
	for _, field := range fields {
		field.AddTo(one)
		if value, ok := one.Fields[field.Key]; ok { // zap.Skip and engine.Text add nothing
			appendPair(line, field.Key, value)
		}
	}
}

func appendPair(line *buffer.Buffer, key string, value any) {
	line.AppendByte(' ')
	line.AppendString(key)
	line.AppendByte('=')
	text := fmt.Sprint(value)
	if text == "" || strings.ContainsAny(text, " \"=\n\t") {
		text = fmt.Sprintf("%q", text)
	}
	line.AppendString(text)
}

// severity is what tells a warning or an error from the rest where its text does not.
func severity(level zapcore.Level) string {
	switch {
	case level >= zapcore.ErrorLevel:
		return "error: "
	case level == zapcore.WarnLevel:
		return "warning: "
	}
	return ""
}

// speaksForItself reports whether the first words of text already say that something went wrong.
func speaksForItself(text string) bool {
	for _, word := range []string{"failed", "rejected", "refused", "rolled back", "error", "warning"} {
		if len(text) >= len(word) && strings.EqualFold(text[:len(word)], word) {
			return true
		}
	}
	return false
}

const resetColour = "\x1b[0m"

// nameColour is the escape sequence of a logger's name: one colour per stage, red for what went wrong.
func nameColour(name string, level zapcore.Level) string {
	if level >= zapcore.WarnLevel {
		return "\x1b[1;31m" // bold red
	}
	switch name {
	case "watch":
		return "\x1b[34m" // blue
	case "build":
		return "\x1b[33m" // yellow
	case "reload":
		return "\x1b[32m" // green
	case "state":
		return "\x1b[35m" // magenta
	case "demo":
		return "\x1b[1m" // bold
	}
	return "\x1b[36m" // cyan
}
