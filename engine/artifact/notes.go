package artifact

import (
	"debug/elf"
	"encoding/hex"
	"fmt"
)

// notes is what the notes of a library tell.
type notes struct {
	buildID string
	fromGo  bool
}

// readNotes reads the notes and checks that each lies inside its segment: the loader reads the properties among them.
func (im *image) readNotes() (notes, error) {
	var found notes
	for _, s := range im.segments {
		if kind := elf.ProgType(s.Type); kind != elf.PT_NOTE && kind != elf.PT_GNU_PROPERTY {
			continue
		}
		if s.Filesz > maxTable {
			return found, im.badSegment(s, "a reasonable size")
		}
		b, err := im.at(s.Off, s.Filesz)
		if err != nil {
			return found, err
		}
		align := uint64(4)
		if s.Align == 8 {
			align = 8
		}
		if err := im.walkNotes(b, align, found.take); err != nil {
			return found, err
		}
	}
	return found, nil
}

func (n *notes) take(name string, kind uint32, contents []byte) {
	const gnuBuildID = 3
	switch {
	case name == "GNU\x00" && kind == gnuBuildID:
		n.buildID = hex.EncodeToString(contents)
	case name == "Go\x00\x00":
		n.fromGo = true
	}
}

// walkNotes calls take for each note: a header of three words, the name and the contents, each padded to align.
func (im *image) walkNotes(b []byte, align uint64, take func(name string, kind uint32, contents []byte)) error {
	const header = 12
	total := uint64(len(b))
	for start := uint64(0); start+header <= total; {
		nameSize, size := uint64(little.Uint32(b[start:])), uint64(little.Uint32(b[start+4:]))
		name := start + header
		contents := (name + nameSize + align - 1) &^ (align - 1)
		if !holds(0, total, contents, size) {
			return im.refuse(CheckSegments, fmt.Sprintf("notes inside their segment of %d bytes", total),
				fmt.Sprintf("one of %d bytes at %d", size, contents))
		}
		take(string(b[name:name+nameSize]), little.Uint32(b[start+8:]), b[contents:contents+size])
		start = (contents + size + align - 1) &^ (align - 1)
	}
	return nil
}
