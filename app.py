"""The CDK app: the stage comes from the context (`cdk synth -c stage=prod`, default dev). Makes no AWS call."""

from aws_cdk import App

from infra.application import add_application

app = App()
add_application(app)
app.synth()
