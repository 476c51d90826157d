// Writes and reads with the client of openapi-generator (go).
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"clients/manage_client"
	"clients/project_client"
)

func must[T any](value T, _ any, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func main() {
	dataOrigin, key, manageOrigin, token := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	configuration := project_client.NewConfiguration()
	configuration.Servers = project_client.ServerConfigurations{{URL: dataOrigin}}
	api := project_client.NewAPIClient(configuration).GardenReadingsAPI
	ctx := context.WithValue(context.Background(), project_client.ContextAPIKeys, map[string]project_client.APIKey{"key": {Key: key}})

	record := must(api.PostGardenReadings(ctx).GardenReadingsData(*project_client.NewGardenReadingsData(21.5)).Execute())
	must(api.PostGardenReadingsBulk(ctx).GardenReadingsData([]project_client.GardenReadingsData{*project_client.NewGardenReadingsData(22.5)}).Execute())
	listed, data := []float32{}, []float32{}
	for _, each := range must(api.GetGardenReadings(ctx).Execute()) {
		listed = append(listed, each.Data.T)
	}
	for _, each := range must(api.GetGardenReadingsData(ctx).Execute()) {
		data = append(data, each.T)
	}
	query := must(api.GetGardenReadingsQuery(ctx).Jsonata("$sum(data.t)").Execute())
	updated := must(api.PutGardenReadings(ctx).UniqueId(record.UniqueId).GardenReadingsData(*project_client.NewGardenReadingsData(23)).Execute())
	deleted := must(api.DeleteGardenReadings(ctx).UniqueId(record.UniqueId).Execute())
	code := ""
	var failure *project_client.GenericOpenAPIError
	if _, _, err := api.DeleteGardenReadings(ctx).UniqueId(record.UniqueId).Execute(); errors.As(err, &failure) {
		code = failure.Model().(project_client.Problem).Code
	}
	for _, each := range must(api.GetGardenReadings(ctx).Execute()) {
		must(api.DeleteGardenReadings(ctx).UniqueId(each.UniqueId).Execute())
	}

	manageConfiguration := manage_client.NewConfiguration()
	manageConfiguration.Servers = manage_client.ServerConfigurations{{URL: manageOrigin}}
	manage := manage_client.NewAPIClient(manageConfiguration).ProjectsAPI
	manageCtx := context.WithValue(context.Background(), manage_client.ContextAccessToken, token)
	project := must(manage.CreateProject(manageCtx).ProjectCreate(*manage_client.NewProjectCreate("Weather")).Execute())
	name := must(manage.ReadProject(manageCtx, project.Id).Execute()).Name
	found := false
	for _, each := range must(manage.ListProjects(manageCtx).Execute()) {
		found = found || each.Id == project.Id
	}
	if _, err := manage.DeleteProject(manageCtx, project.Id).Execute(); err != nil {
		panic(err)
	}
	text, _ := json.Marshal([]any{map[string]any{
		"created": record.Data.T, "listed": listed, "data": data, "query": query, "updated": updated.Data.T, "deleted": deleted.Data.T,
		"error": code, "name": name, "projects": found,
	}})
	fmt.Println(string(text))
}
