package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// logger returns the log that the settings ask for, on standard error.
func (t *terminal) logger(format, level string) (*zap.Logger, error) {
	return t.logTo(t.stderr, format, level)
}

// logTo returns that log on another writer, which stands for standard error.
func (t *terminal) logTo(w io.Writer, format, level string) (*zap.Logger, error) {
	least, err := zapcore.ParseLevel(level)
	if err != nil {
		return nil, fmt.Errorf("log level: %w", err)
	}
	var encoder zapcore.Encoder
	if format == "json" {
		encoder = zapcore.NewJSONEncoder(jsonFormat())
	} else {
		encoder = newConsole(t.coloured(), least == zapcore.DebugLevel)
	}
	sink := zapcore.Lock(zapcore.AddSync(w))
	return zap.New(zapcore.NewCore(encoder, sink, least), zap.ErrorOutput(sink)), nil
}

// jsonFormat is zap's for production, but with a time that people and machines both read.
func jsonFormat() zapcore.EncoderConfig {
	format := zap.NewProductionEncoderConfig()
	format.EncodeTime = zapcore.TimeEncoderOfLayout(time.RFC3339Nano)
	return format
}

// coloured reports whether standard error is a terminal that shows colours and whose user wants them
// (https://no-color.org).
func (t *terminal) coloured() bool {
	if off, _ := t.lookup("NO_COLOR"); off != "" {
		return false
	}
	if kind, _ := t.lookup("TERM"); kind == "dumb" {
		return false
	}
	return isTerminal(t.stderr)
}

// isTerminal reports whether w is a character device: a terminal, or nothing that anybody reads.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// flush writes out what log still holds. A terminal or a pipe cannot be synced, which loses nothing.
func flush(log *zap.Logger) error {
	err := log.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTTY) {
		return nil
	}
	return err
}
