package engine

import (
	"fmt"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// textKey marks the field that Text makes.
const textKey = "\x00text"

// Text attaches to a log entry the sentence that a person reads in its place: structured encoders skip it and write the
// entry's constant message and typed fields, a console encoder prints it alone (see [TextOf]). Without a word the entry is
// for machines alone.
func Text(format string, args ...any) zap.Field {
	return zap.Field{Key: textKey, Type: zapcore.SkipType, String: fmt.Sprintf(format, args...)}
}

// TextOf returns the sentence that Text attached, or message when there is none.
func TextOf(message string, fields []zap.Field) string {
	for i := range fields {
		if fields[i].Type == zapcore.SkipType && fields[i].Key == textKey {
			return fields[i].String
		}
	}
	return message
}
