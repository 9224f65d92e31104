// Package web is the page that shows a host and steers it: plain HTML, CSS and modules, which load nothing from elsewhere
// and talk to the control API alone. It holds no secret and no data, so whoever can reach the host may have it.
package web

import (
	"embed"
	"io/fs"
	"path"

	"hotreload/engine/control/web/uplot"
)

//go:embed index.html icon.svg *.css *.js
var embedded embed.FS

// File is one file of the page.
type File struct {
	Type    string // media type
	Content []byte
}

// types are those of the files by their names' ends. What the system knows of them must not matter.
var types = map[string]string{
	".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// Files returns the files by the paths at which the page expects them.
func Files() map[string]File {
	files := map[string]File{
		"/uplot.js":  {types[".js"], []byte(uplot.Script)},
		"/uplot.css": {types[".css"], []byte(uplot.Style)},
	}
	entries, err := fs.ReadDir(embedded, ".")
	if err != nil {
		panic(err) // it is in the program
	}
	for _, e := range entries {
		content, err := embedded.ReadFile(e.Name())
		if err != nil {
			panic(err)
		}
		at := "/" + e.Name()
		if at == "/index.html" {
			at = "/"
		}
		files[at] = File{types[path.Ext(e.Name())], content}
	}
	return files
}
