"""`callhandler config schema`."""

from callhandler.cli.lazy import Group, new_app
from callhandler.cli.site_commands import config_schema

app = new_app(cls=Group, help="The site file's schema.")
app.callback()(lambda: None)
app.command("schema")(config_schema)
