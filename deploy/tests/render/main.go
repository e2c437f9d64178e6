// Renders the chart as Helm does, where there is no Helm: Go's templates, Masterminds' functions
// and the few that Helm adds.
//
//	render CHART RELEASE [VALUES.yaml]
//
// Writes all objects as YAML documents, NOTES.txt as a comment. Of Helm it has what this chart
// uses: no subcharts, no hooks, no lookup. The values' schema is checked elsewhere.
package main

import (
	"fmt"
	"log"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"sigs.k8s.io/yaml"
)

type values = map[string]interface{}

func main() {
	log.SetFlags(0)
	if len(os.Args) < 3 {
		log.Fatal("usage: render CHART RELEASE [VALUES.yaml]")
	}
	chart, err := read(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	settings := values{}
	if len(os.Args) > 3 {
		text, err := os.ReadFile(os.Args[3])
		if err != nil {
			log.Fatal(err)
		}
		if err := yaml.Unmarshal(text, &settings); err != nil {
			log.Fatal(err)
		}
	}
	text, err := render(chart, os.Args[2], settings)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(text)
}

func render(chart files, release string, settings values) (string, error) {
	about, defaults := values{}, values{}
	if err := yaml.UnmarshalStrict(chart["Chart.yaml"], &about); err != nil {
		return "", err
	}
	if err := yaml.UnmarshalStrict(chart["values.yaml"], &defaults); err != nil {
		return "", err
	}
	context := values{
		"Values": merge(defaults, settings),
		"Chart": values{
			"Name": about["name"], "Version": about["version"], "AppVersion": about["appVersion"],
		},
		"Release": values{"Name": release, "Namespace": "coder", "Service": "Helm"},
		"Files":   chart,
	}
	// What is not there is empty, as for Helm.
	templates := template.New("chart").Option("missingkey=zero")
	templates.Funcs(functions(templates))
	names := chart.below("templates/")
	for _, name := range names {
		if _, err := templates.New(name).Parse(string(chart[name])); err != nil {
			return "", err
		}
	}
	var out strings.Builder
	for _, name := range names {
		if strings.HasPrefix(path.Base(name), "_") {
			continue
		}
		var text strings.Builder
		if err := templates.ExecuteTemplate(&text, name, context); err != nil {
			return "", err
		}
		rendered := strings.ReplaceAll(text.String(), "<no value>", "")
		if path.Ext(name) == ".txt" {
			rendered = "# " + strings.ReplaceAll(rendered, "\n", "\n# ")
		}
		fmt.Fprintf(&out, "---\n# Source: %s\n%s\n", name, rendered)
	}
	return out.String(), nil
}

func functions(templates *template.Template) template.FuncMap {
	all := sprig.TxtFuncMap()
	delete(all, "env")
	delete(all, "expandenv")
	all["include"] = func(name string, data interface{}) (string, error) {
		var text strings.Builder
		err := templates.ExecuteTemplate(&text, name, data)
		return text.String(), err
	}
	all["required"] = func(complaint string, value interface{}) (interface{}, error) {
		if value == nil || value == "" {
			return value, fmt.Errorf("%s", complaint)
		}
		return value, nil
	}
	all["fromYaml"] = func(text string) (map[string]interface{}, error) {
		value := map[string]interface{}{}
		err := yaml.Unmarshal([]byte(text), &value)
		return value, err
	}
	all["toYaml"] = func(value interface{}) (string, error) {
		text, err := yaml.Marshal(value)
		return strings.TrimSuffix(string(text), "\n"), err
	}
	return all
}

// Maps are merged, everything else is replaced.
func merge(defaults, settings values) values {
	merged := values{}
	for name, value := range defaults {
		merged[name] = value
	}
	for name, value := range settings {
		below, isMap := value.(values)
		given, wasMap := merged[name].(values)
		if isMap && wasMap {
			value = merge(given, below)
		}
		merged[name] = value
	}
	return merged
}

// The chart's files by their paths, those behind links included and those of .helmignore left out.
type files map[string][]byte

func read(root string) (files, error) {
	ignored, err := os.ReadFile(filepath.Join(root, ".helmignore"))
	if err != nil {
		return nil, err
	}
	chart := files{}
	return chart, chart.add(root, "", strings.Fields(withoutComments(string(ignored))))
}

func (chart files) add(root, folder string, ignored []string) error {
	entries, err := os.ReadDir(filepath.Join(root, folder))
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name := path.Join(folder, entry.Name())
		about, err := os.Stat(filepath.Join(root, name)) // of what a link leads to
		if err != nil {
			return err
		}
		if matches(ignored, name, about.IsDir()) {
			continue
		}
		if about.IsDir() {
			if err := chart.add(root, name, ignored); err != nil {
				return err
			}
			continue
		}
		if chart[name], err = os.ReadFile(filepath.Join(root, name)); err != nil {
			return err
		}
	}
	return nil
}

func matches(patterns []string, name string, isFolder bool) bool {
	for _, pattern := range patterns {
		if strings.HasSuffix(pattern, "/") && !isFolder {
			continue
		}
		if ok, _ := path.Match(strings.TrimSuffix(pattern, "/"), name); ok {
			return true
		}
	}
	return false
}

func withoutComments(text string) string {
	lines := strings.Split(text, "\n")
	kept := lines[:0]
	for _, line := range lines {
		if !strings.HasPrefix(line, "#") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}

func (chart files) below(folder string) []string {
	var names []string
	for name := range chart {
		if strings.HasPrefix(name, folder) {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}

// Get is .Files.Get.
func (chart files) Get(name string) string {
	return string(chart[name])
}

// Glob is .Files.Glob.
func (chart files) Glob(pattern string) files {
	found := files{}
	for name, text := range chart {
		if ok, _ := path.Match(pattern, name); ok {
			found[name] = text
		}
	}
	return found
}
