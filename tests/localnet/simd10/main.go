// Command simd10 runs the ibc-go v10 simulation app as a node: the younger of the two chain generations the tests relay
// between. ibc-go publishes the app but not its command, so the command is ours.
package main

import (
	"fmt"
	"os"

	svrcmd "github.com/cosmos/cosmos-sdk/server/cmd"

	"github.com/cosmos/ibc-go/v10/testing/simapp"
)

func main() {
	if err := svrcmd.Execute(newRootCmd(), "", simapp.DefaultNodeHome); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
