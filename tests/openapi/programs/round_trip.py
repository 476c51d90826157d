"""Writes and reads with the clients of openapi-generator (python) and of openapi-python-client."""

import importlib
import json
import pkgutil
import sys

import manage_client
import project_client
from manage_python_client import AuthenticatedClient
from manage_python_client.api.projects import create_project as python_create_project
from manage_python_client.api.projects import delete_project as python_delete_project
from manage_python_client.api.projects import list_projects as python_list_projects
from manage_python_client.api.projects import read_project as python_read_project
from manage_python_client.models import ProjectCreate
from project_python_client import Client
from project_python_client.api.gardenreadings import (
    delete_garden_readings,
    get_garden_readings,
    get_garden_readings_data,
    get_garden_readings_query,
    post_garden_readings,
    post_garden_readings_bulk,
    put_garden_readings,
)
from project_python_client.models import GardenReadingsData

data_origin, key, manage_origin, token = sys.argv[1:]


def with_generator():
    configuration = project_client.Configuration(host=data_origin, api_key={"key": key})
    with project_client.ApiClient(configuration) as client:
        api = project_client.GardenReadingsApi(client)
        record = api.post_garden_readings(project_client.GardenReadingsData(t=21.5))
        api.post_garden_readings_bulk([project_client.GardenReadingsData(t=22.5)])
        listed = [each.data.t for each in api.get_garden_readings()]
        data = [each.t for each in api.get_garden_readings_data()]
        query = api.get_garden_readings_query("$sum(data.t)")
        updated = api.put_garden_readings(record.unique_id, project_client.GardenReadingsData(t=23)).data.t
        deleted = api.delete_garden_readings(record.unique_id).data.t
        try:
            api.delete_garden_readings(record.unique_id)
            error = None
        except project_client.ApiException as failure:
            error = json.loads(failure.body)["code"]
        notes = project_client.GardenNotesApi(client)
        file = notes.post_garden_notes_file(("a.txt", b"hello"))
        content = notes.get_garden_notes_file(file.unique_id).decode()
        for each in api.get_garden_readings():
            api.delete_garden_readings(each.unique_id)
    with manage_client.ApiClient(manage_client.Configuration(host=manage_origin, access_token=token)) as client:
        api = manage_client.ProjectsApi(client)
        project = api.create_project(manage_client.ProjectCreate(name="Weather"))
        name = api.read_project(project.id).name
        projects = any(each.id == project.id for each in api.list_projects())
        api.delete_project(project.id)
    return dict(
        created=record.data.t, listed=listed, data=data, query=query, updated=updated, deleted=deleted,
        error=error, content=content, name=name, projects=projects,
    )


def with_python_client():
    client = Client(base_url=data_origin, headers={"X-API-Key": key})
    record = post_garden_readings.sync(client=client, body=GardenReadingsData(t=21.5))
    post_garden_readings_bulk.sync(client=client, body=[GardenReadingsData(t=22.5)])
    listed = [each.data.t for each in get_garden_readings.sync(client=client)]
    data = [each.t for each in get_garden_readings_data.sync(client=client)]
    query = get_garden_readings_query.sync(client=client, jsonata="$sum(data.t)")
    updated = put_garden_readings.sync(client=client, unique_id=record.unique_id, body=GardenReadingsData(t=23)).data.t
    deleted = delete_garden_readings.sync(client=client, unique_id=record.unique_id).data.t
    error = delete_garden_readings.sync(client=client, unique_id=record.unique_id).code
    for each in get_garden_readings.sync(client=client):
        delete_garden_readings.sync(client=client, unique_id=each.unique_id)
    manage = AuthenticatedClient(base_url=manage_origin, token=token)
    project = python_create_project.sync(client=manage, body=ProjectCreate(name="Weather"))
    name = python_read_project.sync(project.id, client=manage).name
    projects = any(each.id == project.id for each in python_list_projects.sync(client=manage))
    python_delete_project.sync_detailed(project.id, client=manage)
    return dict(
        created=record.data.t, listed=listed, data=data, query=query, updated=updated, deleted=deleted,
        error=error, name=name, projects=projects,
    )


for package in (manage_client, project_client):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)
print(json.dumps([with_generator(), with_python_client()]))
