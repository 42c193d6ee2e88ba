import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parseIncidentArmId } from '../../shared/arm-id.ts'
import { uuidV5 } from '../../shared/uuid-v5.ts'
import { loadPlaybook } from '../../worker/playbooks/load-playbook.ts'
import { planOutputs } from '../../worker/sentinel/outputs.ts'

const playbook = loadPlaybook(fileURLToPath(new URL('../../worker/playbooks/recommended-steps.yaml', import.meta.url)))
const economy = loadPlaybook(
  fileURLToPath(new URL('../../worker/playbooks/recommended-steps-economy.yaml', import.meta.url)),
)
const armId =
  '/subscriptions/S1/resourceGroups/Rg/providers/Microsoft.OperationalInsights/workspaces/W/providers/Microsoft.SecurityInsights/Incidents/dcdf9819-dbc7-4605-acb6-d6afd37362b9'
const idsOf = (id: string, of = playbook) => {
  const incident = parseIncidentArmId(id)
  assert.ok(incident)
  return planOutputs(incident, of).map((output) => output.id)
}

describe('ids of tasks', () => {
  it('are name-based UUIDs as RFC 9562 defines them', () => {
    // The value that Python's uuid.uuid5(uuid.NAMESPACE_DNS, "www.example.com") gives.
    assert.equal(
      uuidV5('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'www.example.com'),
      '2ed6657d-e927-568b-95e1-2665a8aea6a2',
    )
  })
  it('are the same every time, and for every spelling of the ARM id', () => {
    assert.deepEqual(idsOf(armId), idsOf(armId))
    assert.deepEqual(idsOf(armId), idsOf(armId.toLowerCase()))
  })
  it('are never the same for another step, incident, workspace or playbook', () => {
    const all = [
      ...idsOf(armId),
      ...idsOf(armId.replace('dcdf9819', 'dcdf9818')),
      ...idsOf(armId.replace('workspaces/W/', 'workspaces/X/')),
      ...idsOf(armId, economy),
    ]
    assert.equal(all.length, 12)
    assert.equal(new Set(all).size, 12)
  })
  it("stay what they were: another value would write every incident's tasks a second time", () => {
    assert.deepEqual(idsOf(armId), [
      '0f9cd53b-3062-5b75-9381-b31be0a0bc54',
      'a3cbb18e-525b-5bb0-bc10-109ee00fb924',
      '5e83417b-e842-52f1-b5a1-363b26c54b67',
    ])
  })
})
