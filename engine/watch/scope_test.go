package watch

import "testing"

func TestScopeIgnores(t *testing.T) {
	s := newScope(func(path string) bool { return path == "/p/out" || path == "/p/gen.c" })
	s.files["/p/lib.so"] = struct{}{}
	s.files["/p/gen2.c"] = struct{}{}
	s.roots["/p/.hidden"] = struct{}{}
	files := map[string]bool{
		"/p/logic.c": false, "/p/logic.rs": false, "/p/Makefile": false, "/p/4914": false, "/p/so": false, "/p/.clang-format": false,
		"/p/logic.c~": true, "/p/.logic.c.swp": true, "/p/.logic.c.swx": true, "/p/4913": true, "/p/#logic.c#": true,
		"/p/.#logic.c": true, "/p/logic.c.tmp": true, "/p/logic.c.tmp2": true, "/p/logic.c.tmp.12.34": true,
		"/p/logic.c___jb_tmp___": true, "/p/.goutputstream-AB12": true, "/p/.nfs0001": true,
		"/p/logic.so": true, "/p/logic.so.1": true, "/p/logic.o": true, "/p/liblogic.a": true, "/p/logic.d": true,
		"/p/logic.obj": true, "/p/logic.dylib": true, "/p/logic.dll": true, "/p/logic.pdb": true,
		"/p/gen.c": true, "/p/gen2.c": false, "/p/lib.so": false,
	}
	for path, want := range files {
		if got := s.skipsFile(path); got != want {
			t.Errorf("skipsFile(%s) = %t, want %t", path, got, want)
		}
	}
	dirs := map[string]bool{
		"/p/src": false, "/p/.git": true, "/p/.hg": true, "/p/.svn": true, "/p/node_modules": true, "/p/.idea": true, "/p/out": true,
		"/p/.hidden": false,
	}
	for path, want := range dirs {
		if got := s.skipsDir(path); got != want {
			t.Errorf("skipsDir(%s) = %t, want %t", path, got, want)
		}
	}
}

func TestBelow(t *testing.T) {
	tests := []struct {
		path, dir string
		want      bool
	}{
		{"/a/b", "/a", true}, {"/a/b/c", "/a", true}, {"/a", "/a", false}, {"/ab", "/a", false}, {"/a", "/a/b", false},
		{"/a", "/", true}, {"/", "/", false},
	}
	for _, test := range tests {
		if got := below(test.path, test.dir); got != test.want {
			t.Errorf("below(%s, %s) = %t, want %t", test.path, test.dir, got, test.want)
		}
	}
}
