package control

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// chromium is a browser without a window that a test steers: the DevTools protocol over a pipe, each message a JSON text
// that ends with a zero byte (https://chromedevtools.github.io/devtools-protocol).
type chromium struct {
	t        *testing.T
	to       *os.File
	messages chan message
	last     int
	session  string   // of the page
	said     []string // errors on the page's console, requests to elsewhere
	home     string   // whose requests are expected
}

type message struct {
	ID     int             `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *struct{ Message string }
}

// startChromium opens an empty page, until the test ends. It skips the test where there is no chromium.
func startChromium(t *testing.T, home string) *chromium {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium: install it to test the web page (Debian: chromium)")
	}
	fromTest, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	from, toTest, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	profile, err := os.MkdirTemp("", "chromium-")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--disable-background-networking", "--window-size=1280,1600", "--remote-debugging-pipe", "--user-data-dir="+profile)
	cmd.ExtraFiles = []*os.File{fromTest, toTest}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = fromTest.Close()
	_ = toTest.Close()
	c := &chromium{t: t, to: to, messages: make(chan message, 1024), home: home}
	read := make(chan struct{})
	go func() {
		defer close(read)
		c.read(from)
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
		eventually(t, "end of chromium", func() bool { return os.RemoveAll(profile) == nil }) // its children end a moment later
		_ = to.Close()
		_ = from.Close()
		<-read
	})
	var target struct{ TargetID string }
	c.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var session struct{ SessionID string }
	c.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &session)
	c.session = session.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		c.call(domain+".enable", nil, nil)
	}
	return c
}

func (c *chromium) read(from *os.File) {
	defer close(c.messages)
	for r := bufio.NewReader(from); ; {
		text, err := r.ReadBytes(0)
		if err != nil {
			return
		}
		var m message
		if json.Unmarshal(text[:len(text)-1], &m) == nil {
			c.messages <- m
		}
	}
}

// call has the browser do something, and notes what else it tells meanwhile.
func (c *chromium) call(method string, params, result any) {
	c.t.Helper()
	c.last++
	order := map[string]any{"id": c.last, "method": method}
	if params != nil {
		order["params"] = params
	}
	if c.session != "" {
		order["sessionId"] = c.session
	}
	text, err := json.Marshal(order)
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.to.Write(append(text, 0)); err != nil {
		c.t.Fatalf("%s: %v", method, err)
	}
	timeout := time.After(patience)
	for {
		select {
		case m, ok := <-c.messages:
			switch {
			case !ok:
				c.t.Fatalf("%s: chromium has ended", method)
			case m.ID != c.last:
				c.note(m)
				continue
			case m.Error != nil:
				c.t.Fatalf("%s: %s", method, m.Error.Message)
			}
			if result != nil {
				if err := json.Unmarshal(m.Result, result); err != nil {
					c.t.Fatalf("%s: %v", method, err)
				}
			}
			return
		case <-timeout:
			c.t.Fatalf("%s: no answer within %v", method, patience)
		}
	}
}

// note keeps what must not happen on a page: errors, and requests to anywhere else.
func (c *chromium) note(m message) {
	text := string(m.Params)
	switch m.Method {
	case "Runtime.exceptionThrown", "Log.entryAdded":
		c.said = append(c.said, text)
	case "Network.requestWillBeSent":
		var sent struct{ Request struct{ URL string } }
		if json.Unmarshal(m.Params, &sent) != nil || !strings.HasPrefix(sent.Request.URL, c.home) {
			c.said = append(c.said, text)
		}
	}
}

// eval returns what a JavaScript expression is on the page, as text.
func (c *chromium) eval(expression string) string {
	c.t.Helper()
	var got struct {
		Result    struct{ Value any }
		Exception *struct{ Text string } `json:"exceptionDetails"`
	}
	c.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true}, &got)
	if got.Exception != nil {
		return got.Exception.Text
	}
	return fmt.Sprint(got.Result.Value)
}

// await waits until the expression is want.
func (c *chromium) await(expression, want string) {
	c.t.Helper()
	got := ""
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if got = c.eval(expression); got == want {
			return
		}
	}
	c.t.Fatalf("%s: %q, want %q; the page said %q", expression, got, want, c.said)
}

// click presses the mouse in the middle of an element.
func (c *chromium) click(id string) {
	c.t.Helper()
	c.await(fmt.Sprintf("document.getElementById(%q).disabled", id), "false")
	var at []float64
	place := c.eval(fmt.Sprintf("(r => JSON.stringify([r.x + r.width / 2, r.y + r.height / 2]))(document.getElementById(%q).getBoundingClientRect())", id))
	if err := json.Unmarshal([]byte(place), &at); err != nil {
		c.t.Fatalf("%s: %v", id, err)
	}
	for _, kind := range []string{"mousePressed", "mouseReleased"} {
		c.call("Input.dispatchMouseEvent", map[string]any{"type": kind, "x": at[0], "y": at[1], "button": "left", "clickCount": 1}, nil)
	}
}

// screenshot writes what the page looks like to a file in dir.
func (c *chromium) screenshot(dir, name string) string {
	c.t.Helper()
	var got struct{ Data string }
	c.call("Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": true}, &got)
	picture, err := base64.StdEncoding.DecodeString(got.Data)
	if err != nil {
		c.t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, picture, 0o600); err != nil {
		c.t.Fatal(err)
	}
	return path
}
