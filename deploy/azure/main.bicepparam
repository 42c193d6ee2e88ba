// Values from the environment: azd's (azd env set NAME value) or the shell's (az deployment group create --parameters main.bicepparam).
using './main.bicep'

param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'enricher')
param location = readEnvironmentVariable('AZURE_LOCATION', 'westeurope')
param sentinelWorkspaceIds = split(readEnvironmentVariable('SENTINEL_WORKSPACE_IDS'), ',')
param sentinelServicePrincipalId = readEnvironmentVariable('SENTINEL_SERVICE_PRINCIPAL_ID', '')
// Spelt out, because a text from the environment is not one of the parameter's allowed values to the compiler.
param trigger = readEnvironmentVariable('TRIGGER', '') == 'connector' ? 'connector' : readEnvironmentVariable('TRIGGER', '') == 'none' ? 'none' : 'http'
// azd sets it after it built the image; without azd: the image that az acr build made.
param image = readEnvironmentVariable('SERVICE_WORKER_IMAGE_NAME', '')
param openAiApiKey = readEnvironmentVariable('OPENAI_API_KEY', '')
param azureOpenAiResourceId = readEnvironmentVariable('AZURE_OPENAI_RESOURCE_ID', '')
param model = readEnvironmentVariable('OPENAI_MODEL', '')
param tokensPerMinute = int(readEnvironmentVariable('TOKENS_PER_MINUTE', '300000'))
param tokensPerDay = int(readEnvironmentVariable('TOKENS_PER_DAY', '5000000'))
param alertEmail = readEnvironmentVariable('ALERT_EMAIL', '')
