package control

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hotreload/engine"
	"hotreload/engine/control/web"
)

// The page shows a flock that is edited while it flies, and a click on "Roll back" brings the first rules back. For a
// screenshot to look at, name a directory in HOTRELOAD_SCREENSHOTS.
func TestPageInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	pictures := os.Getenv("HOTRELOAD_SCREENSHOTS")
	if pictures == "" {
		pictures = t.TempDir()
	}
	tokens := filepath.Join(t.TempDir(), "token")
	host, s, dir := runPlugin(t, flock, engine.Config{Shards: 8, Workers: 2, ProbationTicks: 1},
		Config{Listen: "127.0.0.1:0", TokenFile: tokens, Web: true})
	home := "http://" + s.Addr() + "/"
	b := startChromium(t, home)
	url, err := PageURL(Target{Address: s.Addr(), TokenFile: tokens}, Operate)
	if err != nil {
		t.Fatal(err)
	}

	// Without a token, and with a wrong one, there is a form and nothing else.
	b.call("Page.navigate", map[string]any{"url": home}, nil)
	b.await("!document.getElementById('login').hidden", "true")
	b.eval("document.getElementById('token').value = 'read 00'; document.querySelector('#login button').click()")
	b.await("document.getElementById('connection').textContent.startsWith('expected a bearer token')", "true")
	b.said = nil // the browser notes the answers with 401 as errors

	b.call("Page.navigate", map[string]any{"url": "about:blank"}, nil)
	b.said = nil
	b.call("Page.navigate", map[string]any{"url": url}, nil)
	b.await("document.getElementById('connection').textContent", "connected to "+s.Addr()+", operate")
	if got := b.eval("location.href"); got != home {
		t.Errorf("the token stays in the address: %s", got)
	}
	b.await("document.title", "hotreload: generation 1")
	b.await("document.querySelectorAll('#workers li').length", "2")
	b.await("!document.getElementById('particles').hidden", "true")
	b.await("document.querySelector('#fields').textContent.includes('order')", "true")

	first := host.Status().Generation
	if _, err := client(t, Target{Address: s.Addr(), TokenFile: tokens}).Push(t.Context(), shipmentOf(t, flock(t, dir, 2))); err != nil {
		t.Fatal(err)
	}
	b.await("document.title", "hotreload: generation 2")
	b.await("document.querySelector('#pipeline').textContent.includes('reclaim')", "true")
	b.await("document.querySelector('#events li.reclaimed') !== null", "true")
	b.await("document.querySelector('#lateness canvas') !== null && document.querySelector('#pauses canvas') !== null", "true")

	b.click("rollback")
	b.await("document.getElementById('answer').textContent.startsWith('rolled-back: generation 3')", "true")
	if g := host.Status().Generation; g.Number != 3 || g.Hash != first.Hash {
		t.Errorf("after the click runs %+v, want the library of %+v", g, first)
	}
	b.click("pause")
	b.await("document.getElementById('pause').textContent", "Resume")
	if !host.Status().Paused {
		t.Error("a click on Pause does not pause")
	}
	b.click("pause")
	b.await("document.getElementById('pause').textContent", "Pause")
	_, err = client(t, Target{Address: s.Addr(), TokenFile: tokens}).Push(t.Context(), shipment("no library"))
	wantProblem(t, err, "rejected")
	b.await("document.querySelector('#diagnostic').textContent.includes('expected an ELF file')", "true")
	b.await("document.querySelector('#pipeline li.failed').firstChild.textContent", "inspect")
	t.Logf("screenshot: %s", b.screenshot(pictures, "page.png"))
	if len(b.said) > 0 {
		t.Errorf("the page said %s", strings.Join(b.said, "\n"))
	}

	// Who may only look sees all of it, and no button works.
	reader, err := PageURL(Target{Address: s.Addr(), TokenFile: tokens}, Read)
	if err != nil {
		t.Fatal(err)
	}
	b.call("Page.navigate", map[string]any{"url": "about:blank"}, nil)
	b.call("Page.navigate", map[string]any{"url": reader}, nil)
	b.await("document.getElementById('connection').textContent", "connected to "+s.Addr()+", read")
	b.await("document.title", "hotreload: generation 3")
	b.await("[...document.querySelectorAll('#actions button')].every(b => b.disabled)", "true")
}

// The files of the page are for everybody who reaches the host, and for no other site; all else needs a token as before.
func TestPageNeedsNoTokenAndWhatItAsksForDoes(t *testing.T) {
	tokens := filepath.Join(t.TempDir(), "token")
	s := serve(t, newFakeHost(), Config{Listen: "127.0.0.1:0", TokenFile: tokens, Web: true})
	c := &Client{http: http.DefaultClient, base: "http://" + s.Addr()}
	t.Cleanup(c.Close)
	for path, file := range web.Files() {
		got, err := exchange(t, c, "GET", path, nil)
		if err != nil || got.status != http.StatusOK || string(got.body) != string(file.Content) || got.header.Get("Content-Type") != file.Type {
			t.Errorf("%s: %d %q %v", path, got.status, got.header, err)
		}
		if policy := got.header.Get("Content-Security-Policy"); policy != pagePolicy || file.Type == "" {
			t.Errorf("%s: type %q, policy %q", path, file.Type, policy)
		}
		got, err = exchange(t, c, "GET", path, nil, "Host", "evil.example")
		if err != nil || got.status != http.StatusMisdirectedRequest {
			t.Errorf("%s for another host: %d %v", path, got.status, err)
		}
		got, err = exchange(t, c, "GET", path, nil, "Sec-Fetch-Site", "cross-site")
		if err != nil || got.status != http.StatusForbidden {
			t.Errorf("%s for another site: %d %v", path, got.status, err)
		}
		for _, foreign := range []string{"http://", "https://", "//cdn", "eval(", "innerHTML"} {
			if strings.Contains(string(file.Content), foreign) && path != "/uplot.js" && path != "/icon.svg" {
				t.Errorf("%s has %q", path, foreign)
			}
		}
	}
	for _, path := range []string{"/v1/status", "/metrics", "/index.html", "/../token", "/web.go"} {
		if got, err := exchange(t, c, "GET", path, nil); err != nil || got.status != http.StatusUnauthorized {
			t.Errorf("%s: %d %v", path, got.status, err)
		}
	}
	if got, err := exchange(t, c, "POST", "/", nil); err != nil || got.status != http.StatusUnauthorized {
		t.Errorf("POST /: %d %v", got.status, err)
	}
	if _, err := PageURL(Target{Address: "unix:/run/x.sock"}, Read); err == nil {
		t.Error("a page on a unix socket")
	}
	if _, err := PageURL(Target{Address: "192.0.2.1:80", TokenFile: tokens}, Read); err == nil {
		t.Error("a token for another machine, in the clear")
	}
}
