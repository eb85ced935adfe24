// kstatus reads a JSON list of objects and prints, for each, what kstatus makes of it: that is what Flux, kapp-like tools
// and `kubectl` plugins wait by.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kubejson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

func main() {
	text, err := io.ReadAll(os.Stdin)
	var objects []map[string]any
	if err == nil {
		// Whole numbers stay whole.
		err = kubejson.Unmarshal(text, &objects)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "not a JSON list of objects")
		os.Exit(2)
	}
	found := make([]string, len(objects))
	for i, object := range objects {
		result, err := status.Compute(&unstructured.Unstructured{Object: object})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		found[i] = result.Status.String()
	}
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		os.Exit(1)
	}
}
